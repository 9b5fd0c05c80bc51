src/top.h
