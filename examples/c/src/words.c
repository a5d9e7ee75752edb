#include "words.h"
#include <ctype.h>

size_t count_words(const char *text, size_t length) {
    size_t words = 0;
    int inside = 0;
    for (size_t i = 0; i < length; i++) {
        int is_space = isspace((unsigned char)text[i]);
        words += !is_space && !inside;
        inside = !is_space;
    }
    return words;
}
