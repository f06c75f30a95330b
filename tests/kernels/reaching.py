"""Ways in which a program's build may reach for a file, tried in the build stage by compilers themselves.

A way is a shell command that runs in a folder of its own; ``$P`` is the file reached for, ``$D`` its folder,
``$N`` its name, ``$CXX`` and ``$NVCC`` compilers. A way has worked if the file's content lies anywhere in
that folder afterwards: in an output, or in ``said``, which holds what the command printed.
"""

_INCLUDE = 'printf \'#include "%s"\\n\' "$P" > a.cpp; '
_NAMED = "printf '#include <%s>\\n' $N > a.cpp; "
_EMPTY = "echo > a.cpp; "
PLAIN: dict[str, str] = {
    "include": _INCLUDE + "$CXX -E a.cpp",
    "include in an error": _INCLUDE + "$CXX -c a.cpp",
    "include by macro": 'echo \'#include WHERE\' > a.cpp; $CXX -E "-DWHERE=\\"$P\\"" a.cpp',
    "include by a relative path": (
        "printf '#include \"../../../../../../../../../../..%s\"\\n' $P > a.cpp; $CXX -E a.cpp"
    ),
    "include by a search path": _NAMED + "$CXX -E -I$D a.cpp; $CXX -E -isystem $D a.cpp",
    "include by the environment": _NAMED + "CPATH=$D CPLUS_INCLUDE_PATH=$D $CXX -E a.cpp",
    "include behind __has_include": (
        'printf \'#if __has_include("%s")\\n#include "%s"\\n#endif\\n\' $P $P > a.cpp; $CXX -E a.cpp'
    ),
    "include by a link": "ln -s $P link.h; echo '#include \"link.h\"' > a.cpp; $CXX -E a.cpp",
    "forced include": _EMPTY + "$CXX -E -include $P a.cpp; $CXX -E -imacros $P -dD a.cpp",
    "incbin": 'printf \'asm(".incbin \\\\"%s\\\\"");\\n\' $P > a.cpp; $CXX -c a.cpp -o a.o',
    "include of the assembler": "printf '.include \"%s\"\\n' $P > a.s; as a.s -o a.o",
    "assembled": "as $P -o a.o; $CXX -x assembler -c $P -o b.o",
    "embed": "printf 'const char a[] = {\\n#embed \"%s\"\\n};\\n' $P > a.c; gcc -std=c2x -c a.c -o a.o",
    "options file": _EMPTY + "$CXX @$P -c a.cpp",
    "options file of the linker": _EMPTY + "$CXX -shared -fPIC a.cpp -o a.so -Wl,@$P",
    "script of the linker": _EMPTY + "$CXX -shared -fPIC a.cpp -o a.so -Wl,-T,$P",
    "linked": "ld -r -b binary $P -o a.o; ld -r $P -o b.o",
    "archived": "ar rc a.a $P; objcopy -I binary -O elf64-x86-64 $P a.o",
    "ninja": "printf 'include %s\\n' $P > build.ninja; $NINJA",
    "ninja with flags of the linker": (
        "printf 'rule so\\n  command = g++ -shared -fPIC $in -o $out -Wl,@%s\\nbuild a.so: so a.cpp\\n' $P"
        " > build.ninja; echo > a.cpp; $NINJA"
    ),
    "hard link": "ln $P hard; cat hard",
    "copy": "cp $P copied; cat $P",
    "root of a process": "for n in self $PPID 1; do cat /proc/$n/root$P; done",
}
CUDA: dict[str, str] = {
    "include of nvcc": "printf '#include \"%s\"\\n' $P > a.cu; $NVCC -E a.cu",
    "options file of nvcc": "echo > a.cu; $NVCC --options-file $P -E a.cu; $NVCC -optf $P -E a.cu",
    "forced include of nvcc": "echo > a.cu; $NVCC -include $P -E a.cu",
}
# the file is a library, a program or a specs file here, that tells the content when it is used
ACTING: dict[str, tuple[str, str]] = {
    "plug-in": ("library", _EMPTY + "$CXX -fplugin=$P -c a.cpp"),
    "plug-in of the linker": ("library", _EMPTY + "$CXX -shared -fPIC a.cpp -o a.so -Wl,-plugin,$P"),
    "preloaded": ("library", "LD_PRELOAD=$P /bin/true"),
    "other tools": ("as", _EMPTY + "$CXX -B$D/ -c a.cpp"),
    "wrapper": ("as", _EMPTY + "$CXX -wrapper $P -c a.cpp"),
    "program": ("as", "$P; sh $P"),
    "specs": ("specs", _EMPTY + "$CXX -specs=$P -v -c a.cpp"),
}
LIBRARY = """
#include <cstdio>
__attribute__((constructor)) static void told() {{ std::printf("%s\\n", "{content}"); std::fflush(stdout); }}
"""
PROGRAM = "#!/bin/sh\necho {content}\n"
SPECS = "*cc1plus:\n-D{content}=1 \n\n"

TOP = """
import os, subprocess

def reach(ways, here):
    for number, (name, command, path) in enumerate(ways):
        folder = os.path.join(here, "reach-%d" % number)
        os.makedirs(folder)
        path = path.replace("OWN", os.path.join(here, "own"))
        environ = {{"P": path, "D": os.path.dirname(path), "N": os.path.basename(path), **{tools!r}}}
        with open(os.path.join(folder, "said"), "wb") as said:
            environ = {{**os.environ, **environ}}
            subprocess.run(["sh", "-c", command], cwd=folder, env=environ, stdout=said, stderr=said)

if os.environ["KERNELEVO_STAGE"] == "build":
    reach({ways!r}, os.environ["TMPDIR"])
"""
# loads and compiles what is reached for through torch's and our own doors; each tells what was said
DOORS = """
import os, traceback

def knock(name, act):
    with open(os.path.join(os.environ["TMPDIR"], "knock-" + name), "w") as said:
        try:
            said.write(str(act()))
        except BaseException:
            traceback.print_exc(file=said)

def load_inline(flags):
    from torch.utils.cpp_extension import load_inline
    return load_inline("reaching", "int nothing;", extra_ldflags=flags, no_implicit_headers=True,
                       is_python_module=False, build_directory=os.environ["TMPDIR"])

def cpp(source, **more):
    import kernelevo
    return kernelevo.cpp(source + ' extern "C" void nothing() {{}}', **more)

def nvrtc(source, **more):
    from kernelevo.backends.nvrtc import compile_cubin
    return compile_cubin(source + " __global__ void nothing() {{}}", **more).code

P = {path!r}
if os.environ["KERNELEVO_STAGE"] == "build":
    knock("inline", lambda: load_inline(["-Wl,@" + P]))
    knock("cpp", lambda: cpp('#include "' + P + '"\\n'))
    knock("flags", lambda: cpp("", flags=("@" + P,)))
    knock("nvrtc", lambda: nvrtc('#include "' + P + '"\\n'))
    knock("open", lambda: open(P, "rb").read())
"""
