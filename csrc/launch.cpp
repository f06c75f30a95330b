// launch.cpp: a kernel's launch with its arguments' kinds known beforehand: checks and converts what Python
// gives and calls the driver. A Python extension of its own; it needs no CUDA to be built: the address of
// cuLaunchKernel is given to it.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

namespace {

constexpr Py_ssize_t kMost = 128;  // arguments of one kernel

using DriverCall = int (*)(void* function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                           unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared,
                           void* stream, void** values, void** extra);

PyObject *name_data_ptr, *name_dtype, *name_get_device, *name_is_contiguous;

struct Launch {
  PyObject_HEAD
  vectorcallfunc call;
  DriverCall driver;
  void* function;
  unsigned size[6];
  unsigned shared;
  long device;  // index, as get_device() of a tensor gives it
  Py_ssize_t count;
  char kinds[kMost];
  PyObject* dtypes;   // tuple: what a pointer points to, or None
  PyObject* plain;    // tuple of the two types of tensors without a subclass's behaviour
  PyObject* current;  // () -> index of the current device
  PyObject* stream;   // (index) -> handle of its current stream
};

union Value {
  int64_t whole;
  uint64_t natural;
  int32_t i;
  int16_t h;
  int8_t b;
  uint32_t I;
  uint16_t H;
  uint8_t B;
  float f;
  double d;
  void* pointer;
};

// 1: converted; 0: not a plain case, the caller goes the long way; -1: a Python error is set
int number(char kind, PyObject* given, Value* value) {
  if (kind == 'f' || kind == 'd') {
    if (!PyFloat_CheckExact(given) && !PyLong_CheckExact(given)) return 0;
    const double real = PyFloat_AsDouble(given);
    if (real == -1.0 && PyErr_Occurred()) return PyErr_Clear(), 0;
    if (kind == 'f') value->f = static_cast<float>(real);
    else value->d = real;
    return 1;
  }
  if (kind == '?') {
    if (!PyBool_Check(given)) return 0;
    value->B = given == Py_True;
    return 1;
  }
  if (!PyLong_CheckExact(given)) return 0;
  if (kind == 'Q') {
    value->natural = PyLong_AsUnsignedLongLong(given);
    if (value->natural == static_cast<uint64_t>(-1) && PyErr_Occurred()) return PyErr_Clear(), 0;
    return 1;
  }
  int overflow = 0;
  const long long whole = PyLong_AsLongLongAndOverflow(given, &overflow);
  if (overflow != 0) return 0;
  const auto fits = [whole](auto zero) {
    using Limits = std::numeric_limits<decltype(zero)>;
    return whole >= static_cast<long long>(Limits::min()) && whole <= static_cast<long long>(Limits::max());
  };
  switch (kind) {
    case 'q': value->whole = whole; return 1;
    case 'i': value->i = static_cast<int32_t>(whole); return fits(value->i);
    case 'h': value->h = static_cast<int16_t>(whole); return fits(value->h);
    case 'b': value->b = static_cast<int8_t>(whole); return fits(value->b);
    case 'I': value->I = static_cast<uint32_t>(whole); return fits(value->I);
    case 'H': value->H = static_cast<uint16_t>(whole); return fits(value->H);
    case 'B': value->B = static_cast<uint8_t>(whole); return fits(value->B);
    default: return 0;
  }
}

PyObject* asked(PyObject* tensor, PyObject* method) {
  PyObject* const self[] = {tensor};
  return PyObject_VectorcallMethod(method, self, 1, nullptr);
}

int pointer(Launch* self, Py_ssize_t i, PyObject* given, Value* value) {
  if (given == Py_None) return value->pointer = nullptr, 1;
  if (PyLong_CheckExact(given)) return number('Q', given, value);
  PyObject* type = reinterpret_cast<PyObject*>(Py_TYPE(given));
  if (type != PyTuple_GET_ITEM(self->plain, 0) && type != PyTuple_GET_ITEM(self->plain, 1)) return 0;
  PyObject* wanted = PyTuple_GET_ITEM(self->dtypes, i);
  if (wanted != Py_None) {
    PyObject* dtype = PyObject_GetAttr(given, name_dtype);
    if (dtype == nullptr) return -1;
    Py_DECREF(dtype);  // torch keeps its dtypes
    if (dtype != wanted) return 0;
  }
  PyObject* found = asked(given, name_get_device);
  if (found == nullptr) return -1;
  const long device = PyLong_AsLong(found);
  Py_DECREF(found);
  if (device == -1 && PyErr_Occurred()) return -1;
  if (device != self->device) return 0;
  found = asked(given, name_is_contiguous);
  if (found == nullptr) return -1;
  Py_DECREF(found);
  if (found != Py_True) return 0;
  found = asked(given, name_data_ptr);
  if (found == nullptr) return -1;
  value->natural = PyLong_AsUnsignedLongLong(found);
  Py_DECREF(found);
  return PyErr_Occurred() ? -1 : 1;
}

PyObject* called(PyObject* object, PyObject* const* given, size_t flags, PyObject* names) {
  Launch* self = reinterpret_cast<Launch*>(object);
  if (names != nullptr || PyVectorcall_NARGS(flags) != self->count) Py_RETURN_NONE;
  Value values[kMost];
  void* places[kMost];
  for (Py_ssize_t i = 0; i < self->count; ++i) {
    places[i] = &values[i];
    const char kind = self->kinds[i];
    const int good = kind == 'p' ? pointer(self, i, given[i], &values[i]) : number(kind, given[i], &values[i]);
    if (good < 0) return nullptr;
    if (good == 0) Py_RETURN_NONE;
  }
  PyObject* found = PyObject_CallNoArgs(self->current);
  if (found == nullptr) return nullptr;
  const long current = PyLong_AsLong(found);
  Py_DECREF(found);
  if (current == -1 && PyErr_Occurred()) return nullptr;
  if (current != self->device) Py_RETURN_NONE;
  PyObject* index = PyLong_FromLong(self->device);
  if (index == nullptr) return nullptr;
  found = PyObject_CallOneArg(self->stream, index);
  Py_DECREF(index);
  if (found == nullptr) return nullptr;
  void* stream = PyLong_AsVoidPtr(found);
  Py_DECREF(found);
  if (PyErr_Occurred()) return nullptr;
  int status = 0;
  Py_BEGIN_ALLOW_THREADS  // the driver waits where its queue is full
  const unsigned* size = self->size;
  status = self->driver(self->function, size[0], size[1], size[2], size[3], size[4], size[5], self->shared,
                        stream, places, nullptr);
  Py_END_ALLOW_THREADS
  return PyLong_FromLong(status);
}

PyObject* made(PyTypeObject* type, PyObject* args, PyObject*) {
  unsigned long long driver, function;
  unsigned size[6], shared;
  long device;
  const char* kinds;
  Py_ssize_t count;
  PyObject *dtypes, *plain, *current, *stream;
  if (!PyArg_ParseTuple(args, "KK(IIIIII)Ily#O!O!OO", &driver, &function, &size[0], &size[1], &size[2],
                        &size[3], &size[4], &size[5], &shared, &device, &kinds, &count, &PyTuple_Type,
                        &dtypes, &PyTuple_Type, &plain, &current, &stream))
    return nullptr;
  if (count > kMost || PyTuple_GET_SIZE(dtypes) != count || PyTuple_GET_SIZE(plain) != 2) {
    PyErr_Format(PyExc_ValueError, "a launch takes at most %zd arguments, a dtype for each, two types",
                 kMost);
    return nullptr;
  }
  Launch* self = reinterpret_cast<Launch*>(type->tp_alloc(type, 0));
  if (self == nullptr) return nullptr;
  self->call = called;
  self->driver = reinterpret_cast<DriverCall>(static_cast<uintptr_t>(driver));
  self->function = reinterpret_cast<void*>(static_cast<uintptr_t>(function));
  std::memcpy(self->size, size, sizeof size);
  self->shared = shared;
  self->device = device;
  self->count = count;
  std::memcpy(self->kinds, kinds, static_cast<size_t>(count));
  self->dtypes = Py_NewRef(dtypes);
  self->plain = Py_NewRef(plain);
  self->current = Py_NewRef(current);
  self->stream = Py_NewRef(stream);
  return reinterpret_cast<PyObject*>(self);
}

void gone(PyObject* object) {
  Launch* self = reinterpret_cast<Launch*>(object);
  Py_XDECREF(self->dtypes);
  Py_XDECREF(self->plain);
  Py_XDECREF(self->current);
  Py_XDECREF(self->stream);
  Py_TYPE(object)->tp_free(object);
}

PyTypeObject launch_type = {PyVarObject_HEAD_INIT(nullptr, 0)};
PyModuleDef module = {PyModuleDef_HEAD_INIT, "kernelevo_launch", "Launches of CUDA kernels.", -1,
                      nullptr, nullptr, nullptr, nullptr, nullptr};

}  // namespace

PyMODINIT_FUNC PyInit_kernelevo_launch() {
  launch_type.tp_name = "kernelevo_launch.Launch";
  launch_type.tp_doc =
      "Launch(driver, function, (gx, gy, gz, bx, by, bz), shared, device, kinds, dtypes, plain, current,\n"
      "stream); call it with a kernel's arguments: the driver's status, or None if they are no plain case.";
  launch_type.tp_basicsize = sizeof(Launch);
  launch_type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL;
  launch_type.tp_new = made;
  launch_type.tp_dealloc = gone;
  launch_type.tp_call = PyVectorcall_Call;
  launch_type.tp_vectorcall_offset = offsetof(Launch, call);
  name_data_ptr = PyUnicode_InternFromString("data_ptr");
  name_dtype = PyUnicode_InternFromString("dtype");
  name_get_device = PyUnicode_InternFromString("get_device");
  name_is_contiguous = PyUnicode_InternFromString("is_contiguous");
  if (!name_data_ptr || !name_dtype || !name_get_device || !name_is_contiguous) return nullptr;
  if (PyType_Ready(&launch_type) < 0) return nullptr;
  PyObject* made_module = PyModule_Create(&module);
  if (made_module == nullptr) return nullptr;
  PyObject* type = reinterpret_cast<PyObject*>(&launch_type);
  if (PyModule_AddObjectRef(made_module, "Launch", type) < 0) {
    Py_DECREF(made_module);
    return nullptr;
  }
  return made_module;
}
