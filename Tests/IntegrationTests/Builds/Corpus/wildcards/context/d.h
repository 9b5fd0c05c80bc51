d.h
