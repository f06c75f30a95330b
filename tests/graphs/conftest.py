import kernelevo
kernelevo.__dict__.setdefault("packed", lambda fn,*p: fn(*p))
