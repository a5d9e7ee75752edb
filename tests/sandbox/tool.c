// The one program in the file systems of these tests: it does what its first argument says.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    return 1;
}

static int cat(const char *path) {
    char buffer[65536];
    int file = open(path, O_RDONLY);
    if (file < 0) return fail(path);
    ssize_t count;
    while ((count = read(file, buffer, sizeof buffer)) > 0)
        if (write(1, buffer, count) != count) return fail("write");
    return count < 0 ? fail(path) : 0;
}

static int put(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (file < 0) return fail(path);
    if (write(file, text, strlen(text)) < 0) return fail(path);
    return 0;
}

static int compare(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }

static int list(const char *path) {
    char *names[4096];
    int count = 0;
    DIR *folder = opendir(path);
    if (!folder) return fail(path);
    for (struct dirent *entry; count < 4096 && (entry = readdir(folder));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) names[count++] = strdup(entry->d_name);
    qsort(names, count, sizeof *names, compare);
    for (int i = 0; i < count; i++) puts(names[i]);
    return 0;
}

static int describe(const char *path) {
    struct stat s;
    if (lstat(path, &s)) return fail(path);
    printf("%o %u %u %ld\n", s.st_mode, s.st_uid, s.st_gid, (long)s.st_mtime);
    return 0;
}

static int who(void) {
    gid_t groups[64];
    int count = getgroups(64, groups);
    printf("%u %u %u %u", getuid(), geteuid(), getgid(), getegid());
    for (int i = 0; i < count; i++) printf(" %u", groups[i]);
    printf("\n");
    return 0;
}

static int leave_daemon(const char *path) {
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            signal(SIGTERM, SIG_IGN);
            signal(SIGHUP, SIG_IGN);
            for (int i = 0;; i++) {
                char text[32];
                sprintf(text, "%d %d", getpid(), i);
                put(path, text);
                usleep(10000);
            }
        }
        _exit(0);
    }
    wait(NULL);
    usleep(100000);
    return 0;
}

// Children whose parents are gone are the init's to lay to rest.
static int zombies(void) {
    for (int i = 0; i < 50; i++)
        if (fork() == 0) {
            if (fork() == 0) _exit(0);
            _exit(0);
        } else
            wait(NULL);
    usleep(200000);
    int count = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; (entry = readdir(proc));) count += entry->d_name[0] >= '1' && entry->d_name[0] <= '9';
    printf("%d\n", count);
    return 0;
}

static void interrupted(int signal) {
    puts("interrupted");
    _exit(7);
}

// Says what terminal it has, and repeats what it hears.
static int talk(void) {
    char line[256];
    struct winsize size;
    signal(SIGINT, interrupted);
    if (isatty(0) && isatty(1) && isatty(2) && !ioctl(0, TIOCGWINSZ, &size)) {
        // The size may come a moment later.
        for (int i = 0; i < 100 && !size.ws_row; i++) usleep(10000), ioctl(0, TIOCGWINSZ, &size);
        int own = open("/dev/tty", O_RDWR);
        printf("terminal %s, %d rows, %d columns, %s\n", ttyname(0), size.ws_row, size.ws_col, own < 0 ? "foreign" : "controlling");
    } else
        puts("no terminal");
    puts("ready");
    while (fgets(line, sizeof line, stdin)) printf("heard %s", line);
    puts("end");
    return 0;
}

static int eat_memory(long megabytes) {
    for (long i = 0; i < megabytes; i++) {
        char *page = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED) return fail("mmap");
        memset(page, 1, 1 << 20);
    }
    return 0;
}

static int spawn_many(int wanted) {
    int count = 0;
    for (; count < wanted; count++) {
        pid_t child = fork();
        if (child < 0) break;
        if (child == 0) {
            pause();
            _exit(0);
        }
    }
    printf("%d\n", count);
    return 0;
}

static int eat_disk(const char *path, long megabytes, int unlinked) {
    static char block[1 << 20];
    memset(block, 7, sizeof block);
    int file = open(path, O_WRONLY | O_CREAT, 0644);
    if (file < 0) return fail(path);
    if (unlinked) unlink(path);
    for (long i = 0; i < megabytes; i++) {
        if (write(file, block, sizeof block) != sizeof block) return fail("write");
        usleep(2000);
    }
    return 0;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    const char *first = argc > 2 ? argv[2] : "";
    const char *second = argc > 3 ? argv[3] : "";
    setvbuf(stdout, NULL, _IONBF, 0);
    if (!strcmp(what, "nothing")) return 0;
    if (!strcmp(what, "say")) return write(1, first, strlen(first)) < 0 || write(2, second, strlen(second)) < 0;
    if (!strcmp(what, "exit")) return atoi(first);
    if (!strcmp(what, "signal")) { kill(getpid(), atoi(first)); pause(); }
    if (!strcmp(what, "environment")) { for (char **e = environ; *e; e++) puts(*e); return 0; }
    if (!strcmp(what, "arguments")) { for (int i = 0; i < argc; i++) puts(argv[i]); return 0; }
    if (!strcmp(what, "cat")) return cat(first);
    if (!strcmp(what, "put")) return put(first, second);
    if (!strcmp(what, "append")) {
        int file = open(first, O_WRONLY | O_APPEND);
        return file < 0 || write(file, second, strlen(second)) < 0 ? fail(first) : 0;
    }
    if (!strcmp(what, "list")) return list(first);
    if (!strcmp(what, "describe")) return describe(first);
    if (!strcmp(what, "who")) return who();
    if (!strcmp(what, "umask")) { printf("%03o\n", umask(0)); return 0; }
    if (!strcmp(what, "hostname")) { char name[256]; gethostname(name, 256); puts(name); return 0; }
    if (!strcmp(what, "folder")) { puts(getcwd(NULL, 0)); return 0; }
    if (!strcmp(what, "mkdir")) return mkdir(first, 0777) ? fail(first) : 0;
    if (!strcmp(what, "remove")) return remove(first) ? fail(first) : 0;
    if (!strcmp(what, "move")) return rename(first, second) ? fail(first) : 0;
    if (!strcmp(what, "link")) return link(first, second) ? fail(first) : 0;
    if (!strcmp(what, "symlink")) return symlink(first, second) ? fail(first) : 0;
    if (!strcmp(what, "chmod")) return chmod(second, strtol(first, NULL, 8)) ? fail(second) : 0;
    if (!strcmp(what, "chown")) return chown(second, atoi(first), atoi(first)) ? fail(second) : 0;
    if (!strcmp(what, "readlink")) {
        char target[4096] = {0};
        return readlink(first, target, 4095) < 0 ? fail(first) : (puts(target), 0);
    }
    if (!strcmp(what, "sleep")) { sleep(atoi(first)); return 0; }
    if (!strcmp(what, "talk")) return talk();
    if (!strcmp(what, "daemon")) return leave_daemon(first);
    if (!strcmp(what, "zombies")) return zombies();
    if (!strcmp(what, "memory")) return eat_memory(atol(first));
    if (!strcmp(what, "processes")) return spawn_many(atoi(first));
    if (!strcmp(what, "disk")) return eat_disk(first, atol(second), 0);
    if (!strcmp(what, "hidden-disk")) return eat_disk(first, atol(second), 1);
    if (!strcmp(what, "descriptors")) return list("/proc/self/fd");
    if (!strcmp(what, "all")) {
        // Several of these, separated by arguments that are a semicolon; the first failure ends it.
        int begin = 2;
        for (int i = 2; i <= argc; i++)
            if (i == argc || !strcmp(argv[i], ";")) {
                char *own[64] = {argv[0]};
                int count = 1;
                for (int j = begin; j < i; j++) own[count++] = argv[j];
                int code = count > 1 ? main(count, own) : 0;
                if (code) return code;
                begin = i + 1;
            }
        return 0;
    }
    fprintf(stderr, "what is `%s`?\n", what);
    return 99;
}
