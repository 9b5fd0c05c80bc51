a22.c
