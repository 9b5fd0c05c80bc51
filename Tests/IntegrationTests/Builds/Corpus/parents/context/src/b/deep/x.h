src/b/deep/x.h
