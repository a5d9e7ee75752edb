#include <stddef.h>

/* How many words a text has: runs of anything that is no white space. */
size_t count_words(const char *text, size_t length);
