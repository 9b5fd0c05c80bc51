src/b/file.c
