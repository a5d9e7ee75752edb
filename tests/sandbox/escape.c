// Attempts to get out of the sandbox, one for each name. `list` prints the names. Each attempt that works says so on
// standard output and ends with 1; where all is as it should be, nothing is said and the code is 0.
//
// What an attempt needs to know of the machine comes in the environment: HOST_FILE, a file that must not be reached;
// PORT4 and PORT6, on which somebody listens on the machine's loopback; ABSTRACT, an abstract socket with a listener.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int escaped;

static void out(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    escaped = 1;
}

// A call that must fail, with one of these errors where any is named.
#define MUST_FAIL(call) do { errno = 0; long result_ = (long)(call); if (result_ >= 0) out("%s gave %ld", #call, result_); } while (0)
#define MUST_FAIL_WITH(error, call) do { errno = 0; long result_ = (long)(call); \
    if (result_ >= 0) out("%s gave %ld", #call, result_); \
    else if (errno != (error)) out("%s failed with %s", #call, strerror(errno)); } while (0)

static const char *told(const char *name) {
    const char *value = getenv(name);
    if (!value) { out("nobody told %s", name); return ""; }
    return value;
}

// ---- files of the machine

static void try_file(const char *root) {
    char path[8192];
    snprintf(path, sizeof path, "%s%s", root, told("HOST_FILE"));
    int file = open(path, O_RDONLY);
    if (file >= 0) out("%s can be read", path);
    file = open(path, O_WRONLY | O_APPEND);
    if (file >= 0) out("%s can be written", path);
}

static void host_file(void) {
    const char *roots[] = {"", "/..", "/../../../../../../../..", "/proc/1/root", "/proc/1/root/..", "/proc/self/root/..",
        "/proc/1/cwd/../../../../../../..", "/proc/self/cwd/../../../../../..", "/dev/fd/../../../../.."};
    for (unsigned i = 0; i < sizeof roots / sizeof *roots; i++) try_file(roots[i]);
    for (int fd = 3; fd < 4096; fd++) {
        struct stat s;
        if (!fstat(fd, &s)) out("descriptor %d was left open", fd);
    }
}

static void chroot_out(void) {
    mkdir("/jail", 0755);
    int outside = open("/", O_RDONLY);
    if (chroot("/jail") == 0) {
        fchdir(outside);
        for (int i = 0; i < 64; i++) chdir("..");
        chroot(".");
    }
    try_file("");
    try_file(".");
}

static void file_handles(void) {
    struct { struct file_handle h; unsigned char bytes[128]; } handle = {.h = {.handle_bytes = 128}};
    int mount_id, root = open("/", O_RDONLY | O_DIRECTORY);
    // The root of most file systems is inode 2.
    handle.h.handle_bytes = 8;
    handle.h.handle_type = 1;
    memset(handle.h.f_handle, 0, 8);
    handle.h.f_handle[0] = 2;
    MUST_FAIL(syscall(SYS_open_by_handle_at, root, &handle, O_RDONLY));
    if (!name_to_handle_at(root, "", &handle.h, &mount_id, AT_EMPTY_PATH))
        MUST_FAIL(syscall(SYS_open_by_handle_at, root, &handle, O_RDONLY));
}

// ---- mounts

static void mounts(void) {
    MUST_FAIL_WITH(EPERM, mount("none", "/tmp", "tmpfs", 0, ""));
    MUST_FAIL_WITH(EPERM, mount("/", "/tmp", NULL, MS_BIND, NULL));
    MUST_FAIL_WITH(EPERM, mount("none", "/tmp", "proc", 0, NULL));
    MUST_FAIL_WITH(EPERM, mount("none", "/", NULL, MS_REMOUNT | MS_BIND, NULL));
    MUST_FAIL_WITH(EPERM, mount("none", "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL));
    MUST_FAIL_WITH(EPERM, mount("none", "/sys", NULL, MS_REMOUNT, NULL));
    MUST_FAIL_WITH(EPERM, mount("none", "/", NULL, MS_SHARED | MS_REC, NULL));
    MUST_FAIL_WITH(EPERM, umount2("/proc/sys", MNT_DETACH));
    MUST_FAIL_WITH(EPERM, umount2("/sys", MNT_DETACH));
    MUST_FAIL_WITH(EPERM, umount2("/", MNT_DETACH));
    MUST_FAIL_WITH(EPERM, syscall(SYS_pivot_root, "/", "/tmp"));
    MUST_FAIL_WITH(EPERM, syscall(428 /* open_tree */, AT_FDCWD, "/", 1));
    MUST_FAIL_WITH(EPERM, syscall(429 /* move_mount */, AT_FDCWD, "/", AT_FDCWD, "/tmp", 0));
    MUST_FAIL_WITH(EPERM, syscall(430 /* fsopen */, "tmpfs", 0));
    MUST_FAIL_WITH(EPERM, syscall(433 /* fspick */, AT_FDCWD, "/", 0));
    char attributes[32] = {0};
    MUST_FAIL_WITH(EPERM, syscall(442 /* mount_setattr */, AT_FDCWD, "/", 0, attributes, sizeof attributes));
}

// ---- sockets and networks

static void raw_sockets(void) {
    MUST_FAIL(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    MUST_FAIL(socket(AF_INET6, SOCK_RAW, 58));
    MUST_FAIL_WITH(EAFNOSUPPORT, socket(AF_PACKET, SOCK_RAW, 0));
    MUST_FAIL_WITH(EAFNOSUPPORT, socket(AF_PACKET, SOCK_DGRAM, 0));
    MUST_FAIL_WITH(EAFNOSUPPORT, socket(38 /* AF_ALG */, SOCK_SEQPACKET, 0));
    MUST_FAIL_WITH(EAFNOSUPPORT, socket(40 /* AF_VSOCK */, SOCK_STREAM, 0));
    MUST_FAIL_WITH(EAFNOSUPPORT, socket(15 /* AF_KEY */, SOCK_RAW, 2));
    MUST_FAIL_WITH(EAFNOSUPPORT, socket(31 /* AF_BLUETOOTH */, SOCK_RAW, 0));
    MUST_FAIL_WITH(EAFNOSUPPORT, socket(30 /* AF_TIPC */, SOCK_STREAM, 0));
    for (int protocol = 1; protocol < 32; protocol++) MUST_FAIL_WITH(EAFNOSUPPORT, socket(AF_NETLINK, SOCK_RAW, protocol));
}

static void connect4(const char *address, int port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, address, &to.sin_addr);
    int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (s < 0) return;
    fd_set set;
    struct timeval wait = {0, 200000};
    int error = 0;
    socklen_t size = sizeof error;
    if (!connect(s, (struct sockaddr *)&to, sizeof to)) { out("%s answers on %d", address, port); return; }
    if (errno != EINPROGRESS) return;
    FD_ZERO(&set);
    FD_SET(s, &set);
    if (select(s + 1, NULL, &set, NULL, &wait) == 1 && !getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &size) && !error)
        out("%s answers on %d", address, port);
}

static void network4(void) {
    connect4("127.0.0.1", atoi(told("PORT4")));
    connect4("127.1.2.3", atoi(told("PORT4")));
    connect4("0.0.0.0", atoi(told("PORT4")));
    const char *others[] = {"1.1.1.1", "10.0.0.1", "172.17.0.1", "192.168.0.1", "169.254.169.254"};
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++) {
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(53)};
        inet_pton(AF_INET, others[i], &to.sin_addr);
        int s = socket(AF_INET, SOCK_DGRAM, 0);
        MUST_FAIL_WITH(ENETUNREACH, sendto(s, "x", 1, 0, (struct sockaddr *)&to, sizeof to));
        MUST_FAIL_WITH(ENETUNREACH, connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&to, sizeof to));
    }
}

static void network6(void) {
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(atoi(told("PORT6")))};
    int s = socket(AF_INET6, SOCK_STREAM, 0);
    if (s < 0) return;
    inet_pton(AF_INET6, "::1", &to.sin6_addr);
    MUST_FAIL(connect(s, (struct sockaddr *)&to, sizeof to));
    inet_pton(AF_INET6, "2606:4700::1111", &to.sin6_addr);
    MUST_FAIL(connect(socket(AF_INET6, SOCK_STREAM, 0), (struct sockaddr *)&to, sizeof to));
    MUST_FAIL(sendto(socket(AF_INET6, SOCK_DGRAM, 0), "x", 1, 0, (struct sockaddr *)&to, sizeof to));
}

static void abstract_socket(void) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const char *name = told("ABSTRACT");
    strcpy(to.sun_path + 1, name);
    socklen_t size = sizeof(sa_family_t) + 1 + strlen(name);
    MUST_FAIL_WITH(ECONNREFUSED, connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&to, size));
    // A name that is taken in the same network could not be bound.
    if (bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&to, size)) out("the name is taken: %s", strerror(errno));
}

// ---- the kernel

static void modules(void) {
    MUST_FAIL_WITH(EPERM, syscall(SYS_init_module, "", 0, ""));
    MUST_FAIL_WITH(EPERM, syscall(SYS_finit_module, 0, "", 0));
    MUST_FAIL_WITH(EPERM, syscall(SYS_delete_module, "loop", 0));
}

static void keyrings(void) {
    MUST_FAIL_WITH(EPERM, syscall(SYS_add_key, "user", "kiln", "x", 1, -3));
    MUST_FAIL_WITH(EPERM, syscall(SYS_request_key, "user", "kiln", NULL, -3));
    for (int operation = 0; operation < 32; operation++)
        MUST_FAIL_WITH(EPERM, syscall(SYS_keyctl, operation, -3, 0, 0, 0));
}

static void kernel_calls(void) {
    char buffer[256] = {0};
    struct timeval now = {1, 0};
    struct timespec then = {1, 0};
    MUST_FAIL_WITH(EPERM, syscall(SYS_bpf, 0, buffer, sizeof buffer));
    MUST_FAIL_WITH(EPERM, syscall(SYS_perf_event_open, buffer, 0, -1, -1, 0));
    MUST_FAIL_WITH(EPERM, syscall(SYS_userfaultfd, 0));
    MUST_FAIL_WITH(EPERM, syscall(425 /* io_uring_setup */, 8, buffer));
    MUST_FAIL_WITH(EPERM, syscall(SYS_kexec_load, 0, 0, NULL, 0));
    MUST_FAIL_WITH(EPERM, syscall(SYS_kexec_file_load, -1, -1, 0, "", 0));
    MUST_FAIL_WITH(EPERM, syscall(SYS_reboot, 0xfee1dead, 672274793, 0, NULL));
    MUST_FAIL_WITH(EPERM, syscall(SYS_swapon, "/tool", 0));
    MUST_FAIL_WITH(EPERM, syscall(SYS_swapoff, "/tool"));
    MUST_FAIL_WITH(EPERM, syscall(SYS_syslog, 3, buffer, sizeof buffer));
    MUST_FAIL_WITH(EPERM, syscall(SYS_acct, NULL));
    MUST_FAIL_WITH(EPERM, syscall(SYS_quotactl, 0, "", 0, NULL));
    MUST_FAIL_WITH(EPERM, settimeofday(&now, NULL));
    MUST_FAIL_WITH(EPERM, clock_settime(CLOCK_REALTIME, &then));
    MUST_FAIL_WITH(EPERM, syscall(SYS_adjtimex, buffer));
    MUST_FAIL_WITH(EPERM, sethostname("owned", 5));
    MUST_FAIL_WITH(EPERM, setdomainname("owned", 5));
    MUST_FAIL_WITH(EPERM, syscall(SYS_fanotify_init, 0, 0));
    MUST_FAIL_WITH(EPERM, syscall(SYS_vhangup));
    MUST_FAIL_WITH(EPERM, syscall(SYS_personality, 0x0100000 /* READ_IMPLIES_EXEC and others */));
#ifdef __x86_64__
    MUST_FAIL_WITH(EPERM, syscall(SYS_iopl, 3));
    MUST_FAIL_WITH(EPERM, syscall(SYS_ioperm, 0x378, 1, 1));
    MUST_FAIL_WITH(EPERM, syscall(SYS_modify_ldt, 0, buffer, sizeof buffer));
    // The other numbering of this processor's kernel.
    MUST_FAIL_WITH(ENOSYS, syscall(0x40000000 | SYS_getpid));
#endif
    MUST_FAIL_WITH(ENOSYS, syscall(1999));
}

#ifdef __x86_64__
static void other_architecture(void) {
    pid_t child = fork();
    if (child == 0) {
        long result;
        // mount(2) as a program of 32 bits would call it.
        __asm__ volatile("int $0x80" : "=a"(result) : "a"(21), "b"(0), "c"(0), "d"(0), "S"(0), "D"(0));
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS) out("a call of another architecture was answered: %x", status);
}
#endif

// ---- namespaces

static int nothing(void *unused) { return 0; }

static void namespaces(void) {
    static char stack[65536];
    int flags[] = {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP};
    for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++) {
        MUST_FAIL_WITH(EPERM, unshare(flags[i]));
        MUST_FAIL_WITH(EPERM, clone(nothing, stack + sizeof stack, flags[i] | SIGCHLD, NULL));
        MUST_FAIL_WITH(EPERM, clone(nothing, stack + sizeof stack, flags[i] | CLONE_NEWUSER | SIGCHLD, NULL));
    }
    unsigned long long arguments[11] = {CLONE_NEWUSER};
    MUST_FAIL_WITH(ENOSYS, syscall(435 /* clone3 */, arguments, sizeof arguments));
    const char *names[] = {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/1/ns/%s", names[i]);
        MUST_FAIL(open(path, O_RDONLY));
        snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
        int file = open(path, O_RDONLY);
        MUST_FAIL_WITH(EPERM, setns(file, 0));
    }
    MUST_FAIL_WITH(EPERM, setns(syscall(434 /* pidfd_open */, 1, 0), CLONE_NEWUSER));
}

// ---- other processes

static void init_process(void) {
    char buffer[256];
    struct iovec here = {buffer, 8}, there = {(void *)init_process, 8};
    MUST_FAIL_WITH(EPERM, ptrace(PTRACE_ATTACH, 1, 0, 0));
    MUST_FAIL_WITH(EPERM, ptrace(PTRACE_SEIZE, 1, 0, 0));
    MUST_FAIL_WITH(EPERM, process_vm_readv(1, &here, 1, &there, 1, 0));
    MUST_FAIL_WITH(EPERM, process_vm_writev(1, &here, 1, &there, 1, 0));
    MUST_FAIL_WITH(EPERM, syscall(438 /* pidfd_getfd */, syscall(434, 1, 0), 0, 0));
    MUST_FAIL_WITH(EPERM, syscall(SYS_kcmp, 1, getpid(), 0, 0, 0));
    const char *files[] = {"mem", "environ", "maps", "auxv", "stack", "syscall", "fd/0", "exe", "cwd", "root", "map_files"};
    for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/1/%s", files[i]);
        int file = open(path, O_RDONLY);
        if (file >= 0 && read(file, buffer, sizeof buffer) > 0) out("%s can be read", path);
        if (readlink(path, buffer, sizeof buffer) > 0) out("%s says where it leads", path);
        MUST_FAIL(open(path, O_WRONLY));
    }
    // The kernel lets none of these through to the first process of a namespace.
    for (int signal = 1; signal < 32; signal++) kill(1, signal);
    usleep(50000);
    if (kill(1, 0) && errno != EPERM) out("the first process is gone");
}

static void other_processes(void) {
    int count = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; (entry = readdir(proc));)
        if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9') count++;
    if (count != 2) out("%d processes can be seen", count);
    for (pid_t pid = 3; pid < 40000; pid++)
        if (kill(pid, 0) == 0) out("process %d can be sent a signal", pid);
    if (getppid() != 1) out("the parent is %d", getppid());
}

// ---- /proc, /sys and devices

static int try_to_write(const char *path, const struct stat *s, int kind, struct FTW *where) {
    if (kind == FTW_D || kind == FTW_DNR) {
        // The processes' own.
        if (!strncmp(path, "/proc/", 6) && path[6] >= '0' && path[6] <= '9') return FTW_SKIP_SUBTREE;
        return FTW_CONTINUE;
    }
    if (!S_ISREG(s->st_mode)) return FTW_CONTINUE;
    int file = open(path, O_WRONLY | O_NONBLOCK);
    if (file >= 0) out("%s can be opened for writing", path);
    if (file >= 0) close(file);
    // To what it is: an attempt that works must not do harm.
    if (!chmod(path, s->st_mode & 07777)) out("the mode of %s can be changed", path);
    return FTW_CONTINUE;
}

static void proc_writes(void) {
    const char *named[] = {"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/vm/drop_caches",
        "/proc/sys/kernel/hostname", "/proc/sys/net/ipv4/ip_forward", "/proc/sysrq-trigger", "/proc/mtrr", "/proc/acpi/wakeup",
        "/proc/bus/pci", "/proc/irq/default_smp_affinity", "/proc/sys/fs/binfmt_misc/register", "/proc/self/setgroups/x"};
    for (unsigned i = 0; i < sizeof named / sizeof *named; i++) MUST_FAIL(open(named[i], O_WRONLY));
    nftw("/proc", try_to_write, 64, FTW_PHYS | FTW_ACTIONRETVAL);
}

static void sys_writes(void) {
    const char *named[] = {"/sys/kernel/uevent_helper", "/sys/power/state", "/sys/module", "/sys/fs/cgroup/cgroup.procs"};
    for (unsigned i = 0; i < sizeof named / sizeof *named; i++) MUST_FAIL(open(named[i], O_WRONLY));
    MUST_FAIL(mkdir("/sys/fs/cgroup/escape", 0755));
    MUST_FAIL(mkdir("/sys/escape", 0755));
    nftw("/sys", try_to_write, 64, FTW_PHYS | FTW_ACTIONRETVAL);
}

// What is mounted of the machine must keep its owner and mode: root of the step may be the same user as root of the machine.
static void metadata_of_the_machine(void) {
    const char *files[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/proc/stat", "/proc/kcore",
        "/proc/sys/kernel/hostname", "/sys/kernel", "/proc/cpuinfo", "/proc"};
    struct timespec times[2] = {{1, 0}, {1, 0}};
    for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
        struct stat s;
        if (stat(files[i], &s)) continue;
        MUST_FAIL(chmod(files[i], s.st_mode & 07777));
        MUST_FAIL(lchown(files[i], s.st_uid, s.st_gid));
        MUST_FAIL(utimensat(AT_FDCWD, files[i], times, 0));
        MUST_FAIL(rename(files[i], "/tmp/taken"));
        MUST_FAIL(unlink(files[i]));
    }
    struct stat s;
    fstat(0, &s);
    MUST_FAIL(fchmod(0, s.st_mode & 07777));
    MUST_FAIL(fchown(0, s.st_uid, s.st_gid));
    MUST_FAIL(futimens(0, times));
}

static void hidden_files(void) {
    char buffer[64];
    const char *named[] = {"/proc/kcore", "/proc/kmsg", "/proc/keys", "/proc/kpageflags", "/proc/kpagecount", "/proc/kpagecgroup",
        "/proc/timer_list", "/proc/sched_debug", "/proc/slabinfo", "/proc/vmallocinfo", "/proc/pagetypeinfo", "/proc/latency_stats",
        "/proc/key-users", "/proc/interrupts", "/sys/firmware/acpi/tables/DSDT", "/sys/firmware/dmi/tables/DMI",
        "/sys/kernel/debug/x", "/sys/devices/virtual/powercap/x"};
    for (unsigned i = 0; i < sizeof named / sizeof *named; i++) {
        int file = open(named[i], O_RDONLY | O_NONBLOCK);
        if (file >= 0 && read(file, buffer, sizeof buffer) > 0) out("%s can be read", named[i]);
    }
}

static void device_nodes(void) {
    MUST_FAIL_WITH(EPERM, mknod("/mem", S_IFCHR | 0666, makedev(1, 1)));
    MUST_FAIL_WITH(EPERM, mknod("/null", S_IFCHR | 0666, makedev(1, 3)));
    MUST_FAIL_WITH(EPERM, mknod("/whiteout", S_IFCHR | 0666, makedev(0, 0)));
    MUST_FAIL_WITH(EPERM, mknod("/disk", S_IFBLK | 0666, makedev(254, 0)));
    MUST_FAIL_WITH(EPERM, mknod("/disk", S_IFBLK | 0666, makedev(8, 0)));
    MUST_FAIL_WITH(EPERM, mknod("/dev/mem", S_IFCHR | 0666, makedev(1, 1)));
    // The tree has these.
    MUST_FAIL(open("/devices/mem", O_RDWR));
    MUST_FAIL(open("/devices/kmsg", O_RDWR));
    MUST_FAIL(open("/devices/disk", O_RDWR));
    const char *others[] = {"/dev/mem", "/dev/kmem", "/dev/kmsg", "/dev/port", "/dev/sda", "/dev/vda", "/dev/fuse", "/dev/kvm",
        "/dev/net/tun", "/dev/loop-control", "/dev/loop0", "/dev/userfaultfd", "/dev/console", "/dev/tty"};
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++) MUST_FAIL(open(others[i], O_RDWR | O_NOCTTY));
}

// ---- rights

static void capabilities(void) {
    // chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service, sys_chroot.
    unsigned long long kept = 1 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10 | 1 << 18;
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, status)) {
        unsigned long long set;
        if (sscanf(line, "CapInh: %llx", &set) == 1 || sscanf(line, "CapAmb: %llx", &set) == 1) {
            if (set) out("%s", line);
        } else if (sscanf(line, "CapPrm: %llx", &set) == 1 || sscanf(line, "CapEff: %llx", &set) == 1 ||
                   sscanf(line, "CapBnd: %llx", &set) == 1) {
            if (set & ~kept) out("%s", line);
        } else if (!strncmp(line, "NoNewPrivs:", 11) && !strstr(line, "1"))
            out("%s", line);
        else if (!strncmp(line, "Seccomp:", 8) && !strstr(line, "2"))
            out("%s", line);
    }
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    for (int bit = 0; bit < 41; bit++) {
        struct __user_cap_data_struct data[2] = {{0}};
        if (kept >> bit & 1) continue;
        data[bit / 32].effective = data[bit / 32].permitted = 1u << (bit % 32);
        MUST_FAIL_WITH(EPERM, syscall(SYS_capset, &header, data));
        if (prctl(PR_CAPBSET_READ, bit, 0, 0, 0) != 0) out("capability %d is not bounded", bit);
        MUST_FAIL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, bit, 0, 0));
    }
    MUST_FAIL(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

// The tree has a copy of this program that is root's and setuid.
static void setuid_program(void) {
    if (getuid() == 0) return;
    pid_t child = fork();
    if (child == 0) {
        execl("/setuid", "setuid", "who", NULL);
        _exit(2);
    }
    int status;
    waitpid(child, &status, 0);
    if (status) out("a setuid program ended with %x", status);
    MUST_FAIL(setuid(0));
    MUST_FAIL(setgid(0));
    // Where one id is all there is, all files are this user's.
    struct stat s;
    if (!stat("/closed", &s) && s.st_uid != getuid()) MUST_FAIL(open("/closed", O_RDONLY));
}

static void who(void) {
    if (geteuid() == 0) out("a setuid program had its rights");
}

static void terminal(void) {
    MUST_FAIL(open("/dev/tty", O_RDWR));
    for (int fd = 0; fd < 3; fd++) {
        MUST_FAIL_WITH(EPERM, ioctl(fd, TIOCSTI, "x"));
        // The kernel looks at the lower half only.
        MUST_FAIL_WITH(EPERM, syscall(SYS_ioctl, fd, 0x100000000ul | TIOCSTI, "x"));
        MUST_FAIL_WITH(EPERM, ioctl(fd, 0x541c /* TIOCLINUX */, "x"));
    }
    if (getsid(0) == 0) out("the session began outside");
}

static void limits_raised(void) {
    struct rlimit { unsigned long long now, most; } more = {1 << 30, 1 << 30};
    MUST_FAIL(syscall(SYS_prlimit64, 0, 7 /* RLIMIT_NOFILE */, &more, NULL));
    MUST_FAIL(syscall(SYS_prlimit64, 0, 4 /* RLIMIT_CORE */, &more, NULL));
    MUST_FAIL(syscall(SYS_setpriority, 0, 0, -20));
}

static const struct { const char *name; void (*attempt)(void); } ATTEMPTS[] = {
    {"host_file", host_file}, {"chroot_out", chroot_out}, {"file_handles", file_handles}, {"mounts", mounts},
    {"raw_sockets", raw_sockets}, {"network4", network4}, {"network6", network6}, {"abstract_socket", abstract_socket},
    {"modules", modules}, {"keyrings", keyrings}, {"kernel_calls", kernel_calls}, {"namespaces", namespaces},
#ifdef __x86_64__
    {"other_architecture", other_architecture},
#endif
    {"init_process", init_process}, {"other_processes", other_processes}, {"proc_writes", proc_writes},
    {"sys_writes", sys_writes}, {"hidden_files", hidden_files}, {"metadata_of_the_machine", metadata_of_the_machine}, {"device_nodes", device_nodes},
    {"capabilities", capabilities}, {"setuid_program", setuid_program}, {"terminal", terminal},
    {"limits_raised", limits_raised},
};

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    const char *name = argc > 1 ? argv[1] : "";
    if (!strcmp(name, "who")) { who(); return escaped; }
    for (unsigned i = 0; i < sizeof ATTEMPTS / sizeof *ATTEMPTS; i++) {
        if (!strcmp(name, "list")) puts(ATTEMPTS[i].name);
        if (!strcmp(name, ATTEMPTS[i].name)) { ATTEMPTS[i].attempt(); return escaped; }
    }
    return strcmp(name, "list") ? 99 : 0;
}
