#include "words.h"
#include <stdio.h>
#include <stdlib.h>

/* Counts the words of standard input. */
int main(void) {
    size_t length = 0, space = 0;
    char *text = NULL;
    do {
        if (length == space) {
            space = space ? 2 * space : 4096;
            char *larger = realloc(text, space);
            if (!larger) {
                fputs("words: out of memory\n", stderr);
                return 1;
            }
            text = larger;
        }
        length += fread(text + length, 1, space - length, stdin);
    } while (!feof(stdin) && !ferror(stdin));
    if (ferror(stdin)) {
        perror("words");
        return 1;
    }
    printf("%zu\n", count_words(text, length));
    free(text);
    return 0;
}
