b.h
