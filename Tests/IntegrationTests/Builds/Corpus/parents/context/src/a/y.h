src/a/y.h
