src/a/file.c
