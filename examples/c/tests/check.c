#include "../src/words.h"
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *text;
    size_t words;
} cases[] = {
    {"empty", "", 0},
    {"white space alone", " \t\n", 0},
    {"one", "word", 1},
    {"at both ends", " two words ", 2},
    {"lines", "a\nb\r\nc", 3},
};

/* Writes what it found in JUnit's format. */
int main(void) {
    size_t count = sizeof cases / sizeof *cases, failures = 0;
    printf("<testsuite name=\"words\" tests=\"%zu\">\n", count);
    for (size_t i = 0; i < count; i++) {
        size_t found = count_words(cases[i].text, strlen(cases[i].text));
        printf("  <testcase classname=\"words\" name=\"%s\">", cases[i].name);
        if (found != cases[i].words) {
            printf("<failure message=\"%zu instead of %zu\"/>", found, cases[i].words);
            failures++;
        }
        printf("</testcase>\n");
    }
    printf("</testsuite>\n");
    return failures > 0;
}
