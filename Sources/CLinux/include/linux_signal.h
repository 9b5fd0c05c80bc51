#pragma once
#include <signal.h>

/// Writes one byte, the signal's number, to `descriptor` whenever the signal comes, in whichever thread. -1 and errno.
int linux_catch_signal(int number, int descriptor);

/// Gives the signal its default effect back.
int linux_release_signal(int number);
