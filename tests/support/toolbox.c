/* A shell and its tools in one static program, for file systems that hold nothing else.
 *
 * As `sh -c TEXT` it runs the commands of a text, one a line or between `;`, words between spaces, without any quoting;
 * `$NAME` as a whole word is a variable. The first command that fails ends it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    return 1;
}

static int put(const char *path, int flags, char **words) {
    int file = open(path, O_WRONLY | O_CREAT | flags, 0644);
    if (file < 0) return fail(path);
    for (; *words; words++) dprintf(file, "%s%s", *words, words[1] ? " " : "\n");
    return close(file);
}

static int pour(const char *from, int to) {
    char buffer[65536];
    ssize_t count;
    int file = open(from, O_RDONLY);
    if (file < 0) return fail(from);
    while ((count = read(file, buffer, sizeof buffer)) > 0)
        if (write(to, buffer, count) != count) return fail("write");
    close(file);
    return count < 0 ? fail(from) : 0;
}

static int copy(const char *from, const char *to) {
    struct stat about;
    int file;
    if (stat(from, &about) < 0) return fail(from);
    file = open(to, O_WRONLY | O_CREAT | O_TRUNC, about.st_mode & 07777);
    if (file < 0) return fail(to);
    return pour(from, file) || close(file);
}

/* Sends a message of one byte to an ssh agent, and shows what kind of message comes back. */
static int ask_agent(const char *path, int kind) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    unsigned char request[5] = {0, 0, 0, 1, (unsigned char)kind}, answer[5];
    int agent = socket(AF_UNIX, SOCK_STREAM, 0);
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    if (agent < 0 || connect(agent, (struct sockaddr *)&address, sizeof address)) return fail(path);
    if (write(agent, request, 5) != 5 || recv(agent, answer, 5, MSG_WAITALL) != 5) return fail("the agent");
    printf("answer %d\n", answer[4]);
    return fflush(stdout) || close(agent);
}

static int as_number(const char *text) { return (int)strtol(text, NULL, 0); }

static int run(int count, char **words) {
    const char *name = words[0];
    const char *first = count > 1 ? words[1] : "";
    const char *second = count > 2 ? words[2] : "";
    if (!strcmp(name, "agent")) return ask_agent(first, as_number(second));
    if (!strcmp(name, "echo")) {
        for (words++; *words; words++) printf("%s%s", *words, words[1] ? " " : "");
        return printf("\n") < 0 || fflush(stdout);
    }
    if (!strcmp(name, "write")) return put(first, O_TRUNC, words + 2);
    if (!strcmp(name, "append")) return put(first, O_APPEND, words + 2);
    if (!strcmp(name, "cat")) return pour(first, 1);
    if (!strcmp(name, "cp")) return copy(first, second);
    if (!strcmp(name, "mv")) return rename(first, second) ? fail(first) : 0;
    if (!strcmp(name, "ln")) return link(first, second) ? fail(first) : 0;
    if (!strcmp(name, "symlink")) return symlink(first, second) ? fail(second) : 0;
    if (!strcmp(name, "rm")) return unlink(first) && rmdir(first) ? fail(first) : 0;
    if (!strcmp(name, "mkdir")) return mkdir(first, 0755) ? fail(first) : 0;
    if (!strcmp(name, "chmod")) return chmod(second, strtol(first, NULL, 8)) ? fail(second) : 0;
    if (!strcmp(name, "chown")) return chown(second, as_number(first), as_number(first)) ? fail(second) : 0;
    if (!strcmp(name, "touch")) {
        struct timespec times[2] = {{as_number(second), 0}, {as_number(second), 0}};
        return utimensat(AT_FDCWD, first, times, 0) ? fail(first) : 0;
    }
    if (!strcmp(name, "seen")) {
        struct stat about;
        if (lstat(first, &about) < 0) return fail(first);
        char text[128], *line[] = {text, NULL};
        snprintf(text, sizeof text, "%s %o %d:%d %ld.%09ld", first, about.st_mode, about.st_uid, about.st_gid,
                 (long)about.st_mtim.tv_sec, about.st_mtim.tv_nsec);
        return put(second, O_APPEND, line);
    }
    if (!strcmp(name, "exists")) return access(first, F_OK) ? fail(first) : 0;
    if (!strcmp(name, "absent")) return access(first, F_OK) == 0 ? (fprintf(stderr, "%s is there\n", first), 1) : 0;
    if (!strcmp(name, "id")) return printf("%d:%d\n", getuid(), getgid()) < 0 || fflush(stdout);
    if (!strcmp(name, "pwd")) {
        char path[4096];
        return getcwd(path, sizeof path) ? puts(path) < 0 || fflush(stdout) : fail("pwd");
    }
    if (!strcmp(name, "hostname")) {
        struct utsname names;
        return uname(&names) ? fail("uname") : puts(names.nodename) < 0 || fflush(stdout);
    }
    if (!strcmp(name, "umask")) {
        mode_t mask = umask(0);
        umask(mask);
        return printf("%04o\n", mask) < 0 || fflush(stdout);
    }
    if (!strcmp(name, "env")) {
        for (char **line = environ; *line; line++) puts(*line);
        return fflush(stdout);
    }
    if (!strcmp(name, "now")) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        char text[64], *line[] = {text, NULL};
        snprintf(text, sizeof text, "%ld.%09ld", (long)now.tv_sec, now.tv_nsec);
        return put(first, O_APPEND, line);
    }
    if (!strcmp(name, "sleep")) {
        struct timespec time = {as_number(first) / 1000, as_number(first) % 1000 * 1000000L};
        return nanosleep(&time, NULL) ? fail("sleep") : 0;
    }
    if (!strcmp(name, "fill")) {
        static char block[1 << 20];
        int file = open(first, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        if (file < 0) return fail(first);
        for (int i = as_number(second); i > 0; i--)
            if (write(file, block, sizeof block) != sizeof block) return fail(first);
        return close(file);
    }
    if (!strcmp(name, "exit")) exit(as_number(first));
    if (!strcmp(name, "die")) return raise(as_number(first));
    if (!strcmp(name, "true")) return 0;
    fprintf(stderr, "%s: no such command\n", name);
    return 127;
}

static int line(char *text) {
    char *words[256], *rest = NULL;
    int count = 0;
    for (char *word = strtok_r(text, " \t", &rest); word && count < 255; word = strtok_r(NULL, " \t", &rest)) {
        char *value = word[0] == '$' ? getenv(word + 1) : word;
        words[count++] = value ? value : "";
    }
    words[count] = NULL;
    return count && words[0][0] != '#' ? run(count, words) : 0;
}

int main(int count, char **words) {
    if (count == 3 && !strcmp(words[1], "-c")) {
        char *rest = NULL;
        for (char *part = strtok_r(words[2], ";\n", &rest); part; part = strtok_r(NULL, ";\n", &rest)) {
            int code = line(part);
            if (code) return code;
        }
        return 0;
    }
    return count > 1 ? run(count - 1, words + 1) : 2;
}
