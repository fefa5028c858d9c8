/*
 * Becomes one program for the service.
 *
 *   launcher <process id of the service>
 *   launcher --version
 *   launcher --self-test <file>     tries what a confined program must not do, and says what it could
 *
 * The service starts a few of these ahead of need, each with its pipes in place, and later hands one an
 * order: starting a program then costs the service one write instead of a fork of its whole memory. It
 * also does what only the process itself can do before it becomes a program: it dies with the service
 * (prctl(2), PR_SET_PDEATHSIG), it takes limits (setrlimit(2)) that the program can't lift, and it confines
 * itself where the order asks for it: no new privileges, the files of the order and no others (Landlock),
 * no sockets and none of the calls that have no place in a converter of media (seccomp). Whatever the
 * program starts is confined as it is.
 *
 *   waiting ──order──▶ preparing ──execvp──▶ the program
 *      │                   └──a step fails──▶ errno and step on the order's pipe, exit code 127
 *      ├──no order, end of the pipe──▶ exit code 0: the service needs none
 *      └──not an order──▶ EPROTO on the order's pipe, exit code 125
 *
 * Descriptors: 0, 1, 2 and 3 are the program's; 4 is a Unix stream socket on which the order comes and
 * i32 errno and u32 step go back. It closes when the program starts: its end without them means success.
 *
 * An order is a length and as many bytes, all numbers little-endian, without padding:
 *
 *   u32     bytes behind this field, at most ORDER_BYTES_MAX
 *   u32     ORDER_VERSION
 *   u32     flags: KEEP_STDIN, KEEP_ANSWERS, CONFINE; others are refused
 *   i32     nice value, -20…19
 *   u64 × 5 CPU seconds before SIGXCPU, CPU seconds before SIGKILL, bytes of a file, open files, bytes of
 *           address space; NO_LIMIT leaves one as it is
 *   u32     arguments, 1…STRINGS_MAX, the program first
 *   u32     variables of the environment, 0…STRINGS_MAX, each NAME=value
 *   u32 × 3 paths that may be read, that may be read and executed, and that may be read and changed, each
 *           0…STRINGS_MAX, and 0 without CONFINE; a directory stands for all that is in it
 *   bytes   the directory, the arguments, the variables, the paths; each ends with a zero byte
 *
 * `launcher-order.ts` writes it. C11, and nothing but a C library on Linux (glibc or musl): what headers of
 * the kernel say about Landlock and seccomp is written down here, as those of many a system are too old.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Raised with every change of the order's layout: a launcher that was built before it is not used. */
#define ORDER_VERSION 2

/* The kernel itself takes no more than 128 KiB in one argument and 2 MiB in all (execve(2)). */
#define ORDER_BYTES_MAX (2u << 20)
#define STRINGS_MAX 4096u
#define HEADER_BYTES 72u

#define KEEP_STDIN 1u
#define KEEP_ANSWERS 2u
#define CONFINE 4u
#define NO_LIMIT UINT64_MAX

/* The same number on every architecture; older headers lack it. */
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

enum { STDIN = 0, ANSWERS = 3, ORDER = 4, FIRST_FOREIGN = 5 };
enum { EXIT_MALFORMED = 125, EXIT_NOT_STARTED = 127 };

/* What failed; the same numbers are in `launcher-order.ts`. */
enum step { STEP_ORDER = 0, STEP_START = 1, STEP_PRIVILEGES = 2, STEP_FILES = 3, STEP_CALLS = 4 };

struct order {
  uint32_t flags;
  int32_t niceness;
  uint64_t cpu_seconds_soft, cpu_seconds_hard, file_bytes, open_files, address_bytes;
  char *directory;
  char **arguments;
  char **environment;
  char **readable, **executable, **changeable;
};

/* Unread input. Whoever takes from it checks `left` first. */
struct cursor {
  unsigned char *at;
  size_t left;
};

static _Noreturn void fail_at(enum step step, int error, int exit_code) {
  unsigned char bytes[8];
  for (unsigned index = 0; index < 4; index += 1) {
    bytes[index] = (unsigned char)((uint32_t)error >> (8 * index));
    bytes[4 + index] = (unsigned char)((uint32_t)step >> (8 * index));
  }
  /* When nobody listens any more, there is nobody to tell. */
  (void)!send(ORDER, bytes, sizeof bytes, MSG_NOSIGNAL);
  _exit(exit_code);
}

static _Noreturn void fail(int error, int exit_code) { fail_at(STEP_START, error, exit_code); }

static _Noreturn void refuse(void) { fail_at(STEP_ORDER, EPROTO, EXIT_MALFORMED); }

static uint64_t take_number(struct cursor *input, unsigned bytes) {
  if (input->left < bytes) refuse();
  uint64_t value = 0;
  for (unsigned index = 0; index < bytes; index += 1) {
    value |= (uint64_t)input->at[index] << (8 * index);
  }
  input->at += bytes;
  input->left -= bytes;
  return value;
}

static char *take_string(struct cursor *input) {
  const unsigned char *end = memchr(input->at, 0, input->left);
  if (end == NULL) refuse();
  char *string = (char *)input->at;
  const size_t bytes = (size_t)(end - input->at) + 1;
  input->at += bytes;
  input->left -= bytes;
  return string;
}

static char **take_strings(struct cursor *input, uint32_t count) {
  char **strings = calloc(count + 1, sizeof *strings);
  if (strings == NULL) fail(ENOMEM, EXIT_NOT_STARTED);
  for (uint32_t index = 0; index < count; index += 1) strings[index] = take_string(input);
  return strings;
}

/* Reads until `bytes` are there or the pipe ends; returns how many there are. */
static size_t read_up_to(void *target, size_t bytes) {
  size_t got = 0;
  while (got < bytes) {
    const ssize_t count = read(ORDER, (char *)target + got, bytes - got);
    if (count == 0) break;
    if (count > 0) got += (size_t)count;
    else if (errno != EINTR) fail(errno, EXIT_NOT_STARTED);
  }
  return got;
}

/* Waits for the order's bytes; ends the process where none will come. */
static struct cursor receive(void) {
  unsigned char length_bytes[4];
  const size_t got = read_up_to(length_bytes, sizeof length_bytes);
  if (got == 0) _exit(0);
  struct cursor length = {length_bytes, got};
  const size_t bytes = (size_t)take_number(&length, sizeof length_bytes);
  if (bytes < HEADER_BYTES || bytes > ORDER_BYTES_MAX) refuse();
  unsigned char *content = malloc(bytes);
  if (content == NULL) fail(ENOMEM, EXIT_NOT_STARTED);
  if (read_up_to(content, bytes) < bytes) refuse();
  return (struct cursor){content, bytes};
}

static void check_paths(char **paths, bool are_allowed) {
  if (*paths != NULL && !are_allowed) refuse();
  for (; *paths != NULL; paths += 1) {
    if ((*paths)[0] != '/') refuse();
  }
}

static void check(const struct order *order) {
  if ((order->flags & ~(KEEP_STDIN | KEEP_ANSWERS | CONFINE)) != 0) refuse();
  if (order->niceness < -20 || order->niceness > 19) refuse();
  if (order->cpu_seconds_soft > order->cpu_seconds_hard) refuse();
  if (order->directory[0] != '/' || order->arguments[0][0] == 0) refuse();
  for (char **variable = order->environment; *variable != NULL; variable += 1) {
    const char *sign = strchr(*variable, '=');
    if (sign == NULL || sign == *variable) refuse();
  }
  const bool is_confined = (order->flags & CONFINE) != 0;
  check_paths(order->readable, is_confined);
  check_paths(order->executable, is_confined);
  check_paths(order->changeable, is_confined);
}

static uint32_t take_count(struct cursor *input) {
  const uint32_t count = (uint32_t)take_number(input, 4);
  if (count > STRINGS_MAX) refuse();
  return count;
}

static struct order parse(struct cursor input) {
  if (take_number(&input, 4) != ORDER_VERSION) refuse();
  struct order order = {0};
  order.flags = (uint32_t)take_number(&input, 4);
  order.niceness = (int32_t)(uint32_t)take_number(&input, 4);
  order.cpu_seconds_soft = take_number(&input, 8);
  order.cpu_seconds_hard = take_number(&input, 8);
  order.file_bytes = take_number(&input, 8);
  order.open_files = take_number(&input, 8);
  order.address_bytes = take_number(&input, 8);
  const uint32_t arguments = take_count(&input);
  const uint32_t variables = take_count(&input);
  const uint32_t readable = take_count(&input);
  const uint32_t executable = take_count(&input);
  const uint32_t changeable = take_count(&input);
  if (arguments == 0) refuse();
  order.directory = take_string(&input);
  order.arguments = take_strings(&input, arguments);
  order.environment = take_strings(&input, variables);
  order.readable = take_strings(&input, readable);
  order.executable = take_strings(&input, executable);
  order.changeable = take_strings(&input, changeable);
  if (input.left != 0) refuse();
  check(&order);
  return order;
}

static rlim_t smaller(uint64_t wanted, rlim_t allowed) {
  return wanted < (uint64_t)allowed ? (rlim_t)wanted : allowed;
}

/* A limit that the service itself is under stays: no limit is ever raised. */
static void limit(int resource, uint64_t soft, uint64_t hard) {
  if (soft == NO_LIMIT) return;
  struct rlimit now;
  if (getrlimit(resource, &now) != 0) fail(errno, EXIT_NOT_STARTED);
  const struct rlimit next = {smaller(soft, now.rlim_max), smaller(hard, now.rlim_max)};
  if (setrlimit(resource, &next) != 0) fail(errno, EXIT_NOT_STARTED);
}

static void apply_limits(const struct order *order) {
  limit(RLIMIT_CPU, order->cpu_seconds_soft, order->cpu_seconds_hard);
  limit(RLIMIT_FSIZE, order->file_bytes, order->file_bytes);
  limit(RLIMIT_NOFILE, order->open_files, order->open_files);
  limit(RLIMIT_AS, order->address_bytes, order->address_bytes);
  limit(RLIMIT_CORE, 0, 0);
}

static void arrange_descriptors(uint32_t flags) {
  if ((flags & KEEP_ANSWERS) == 0) close(ANSWERS);
  if ((flags & KEEP_STDIN) != 0) return;
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0 || dup2(null, STDIN) < 0) fail(errno, EXIT_NOT_STARTED);
  if (null != STDIN) close(null);
}

/*
 * Landlock (Documentation/userspace-api/landlock.rst): rights on files, one bit each. Whatever the running
 * kernel knows is taken away, and given back only beneath the paths of the order.
 */
#define LANDLOCK_CREATE_RULESET 444
#define LANDLOCK_ADD_RULE 445
#define LANDLOCK_RESTRICT_SELF 446
#define LANDLOCK_ASK_VERSION 1u
#define LANDLOCK_PATH_BENEATH 1

#define MAY_EXECUTE (1ull << 0)
#define MAY_WRITE_FILE (1ull << 1)
#define MAY_READ_FILE (1ull << 2)
#define MAY_READ_DIRECTORY (1ull << 3)
#define MAY_REMOVE_DIRECTORY (1ull << 4)
#define MAY_REMOVE_FILE (1ull << 5)
#define MAY_MAKE_DIRECTORY (1ull << 7)
#define MAY_MAKE_REGULAR (1ull << 8)
#define MAY_REFER (1ull << 13)
#define MAY_TRUNCATE (1ull << 14)
#define MAY_CONTROL_DEVICE (1ull << 15)

/* All that a file, which is no directory, may be given; more is an error. */
#define OF_A_FILE \
  (MAY_EXECUTE | MAY_WRITE_FILE | MAY_READ_FILE | MAY_TRUNCATE | MAY_CONTROL_DEVICE)

#define TO_READ (MAY_READ_FILE | MAY_READ_DIRECTORY)
#define TO_EXECUTE (TO_READ | MAY_EXECUTE)
/* Neither devices, pipes and sockets nor links: one of those would trap who reads the results. */
#define TO_CHANGE \
  (TO_READ | MAY_WRITE_FILE | MAY_TRUNCATE | MAY_REMOVE_FILE | MAY_REMOVE_DIRECTORY | \
   MAY_MAKE_DIRECTORY | MAY_MAKE_REGULAR | MAY_REFER)

struct landlock_ruleset {
  uint64_t files, ports, scopes;
};

struct landlock_rule {
  uint64_t rights;
  int32_t descriptor;
} __attribute__((packed));

/* What a kernel of that version knows: 13 rights at first, one more with 2, 3 and 5 each. */
static struct landlock_ruleset ruleset_of(long version) {
  const unsigned rights = version >= 5 ? 16 : version >= 3 ? 15 : version == 2 ? 14 : 13;
  struct landlock_ruleset ruleset = {(1ull << rights) - 1, 0, 0};
  if (version >= 4) ruleset.ports = 3;  /* to bind and to connect, TCP */
  if (version >= 6) ruleset.scopes = 3; /* abstract Unix sockets, and signals */
  return ruleset;
}

/* A path that is not there gives nothing: the program finds that out itself. */
static void give(int rules, const char *path, uint64_t rights) {
  const int descriptor = open(path, O_PATH | O_CLOEXEC);
  if (descriptor < 0) {
    if (errno == ENOENT || errno == ENOTDIR || errno == EACCES || errno == ELOOP) return;
    fail_at(STEP_FILES, errno, EXIT_NOT_STARTED);
  }
  struct stat stats;
  if (fstat(descriptor, &stats) != 0) fail_at(STEP_FILES, errno, EXIT_NOT_STARTED);
  if (!S_ISDIR(stats.st_mode)) rights &= OF_A_FILE;
  const struct landlock_rule rule = {rights, descriptor};
  if (syscall(LANDLOCK_ADD_RULE, rules, LANDLOCK_PATH_BENEATH, &rule, 0) != 0) {
    fail_at(STEP_FILES, errno, EXIT_NOT_STARTED);
  }
  close(descriptor);
}

static void give_all(int rules, char **paths, uint64_t rights) {
  for (; *paths != NULL; paths += 1) give(rules, *paths, rights);
}

static void confine_files(const struct order *order) {
  const long version = syscall(LANDLOCK_CREATE_RULESET, NULL, 0, LANDLOCK_ASK_VERSION);
  if (version < 1) fail_at(STEP_FILES, version < 0 ? errno : ENOSYS, EXIT_NOT_STARTED);
  const struct landlock_ruleset ruleset = ruleset_of(version);
  const int rules = (int)syscall(LANDLOCK_CREATE_RULESET, &ruleset, sizeof ruleset, 0);
  if (rules < 0) fail_at(STEP_FILES, errno, EXIT_NOT_STARTED);
  const uint64_t known = ruleset.files;
  give_all(rules, order->readable, TO_READ & known);
  give_all(rules, order->executable, TO_EXECUTE & known);
  give_all(rules, order->changeable, TO_CHANGE & known);
  give(rules, "/dev/null", (MAY_READ_FILE | MAY_WRITE_FILE | MAY_CONTROL_DEVICE) & known);
  if (syscall(LANDLOCK_RESTRICT_SELF, rules, 0) != 0) {
    fail_at(STEP_FILES, errno, EXIT_NOT_STARTED);
  }
  close(rules);
}

/*
 * seccomp(2): a program of classic BPF that looks at the number of each system call. Where the answer
 * depends on nothing else the kernel remembers it (since 5.11), so that the length costs nothing.
 */
#define SECCOMP_MODE_FILTER_NUMBER 2
#define ANSWER_KILL 0x80000000u
#define ANSWER_ERROR 0x00050000u
#define ANSWER_ALLOW 0x7fff0000u

/* BPF_LD|BPF_W|BPF_ABS, BPF_JMP with BPF_JEQ, BPF_JGE or BPF_JSET and BPF_K, BPF_RET|BPF_K. */
enum { LOAD = 0x20, IF_EQUAL = 0x15, IF_AT_LEAST = 0x35, IF_ANY_BIT = 0x45, ANSWER = 0x06 };

/* Offsets in struct seccomp_data; of an argument the lower half, little-endian. */
enum { CALL_NUMBER = 0, CALL_ARCHITECTURE = 4, FIRST_ARGUMENT = 16, SECOND_ARGUMENT = 24 };

#if defined(__x86_64__) && defined(__LP64__)
#define OWN_ARCHITECTURE 0xc000003eu
#define X32_CALLS 0x40000000u
#define KEXEC_FILE_LOAD 320
#elif defined(__aarch64__) && !defined(__AARCH64EB__)
#define OWN_ARCHITECTURE 0xc00000b7u
#define KEXEC_FILE_LOAD 294 /* older headers lack it */
#endif

#ifdef OWN_ARCHITECTURE

/* CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET (clone(2)). */
#define NEW_NAMESPACES 0x7e020000u

struct instruction {
  uint16_t code;
  uint8_t if_true, if_false;
  uint32_t value;
};

#define INSTRUCTIONS_MAX 512

struct filter {
  unsigned short count;
  struct instruction *instructions;
};

/* Calls that fail with EPERM. Numbers from 424 on are the same on every architecture. */
static const uint32_t forbidden_calls[] = {
  /*
   * The network, and other processes' sockets. Landlock knows TCP only. A pair of Unix sockets could send
   * to any other one by its name.
   */
  SYS_socket, SYS_socketpair, SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4,
  /* Other processes: their memory, their descriptors, their end. */
  SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp, SYS_tkill,
  SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, 424 /* pidfd_send_signal */, 434 /* pidfd_open */,
  438 /* pidfd_getfd */, 440 /* process_madvise */, 448 /* process_mrelease */,
  /* Their share of the machine. */
  SYS_setpriority, SYS_sched_setscheduler, SYS_sched_setparam, SYS_sched_setattr, SYS_ioprio_set,
  /* Leaving the group that ends as a whole. */
  SYS_setsid, SYS_setpgid,
  /* Namespaces and mounts. */
  SYS_unshare, SYS_setns, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, 428 /* open_tree */,
  429 /* move_mount */, 430 /* fsopen */, 431 /* fsconfig */, 432 /* fsmount */, 433 /* fspick */,
  442 /* mount_setattr */,
  /* The kernel and the machine. */
  SYS_bpf, SYS_perf_event_open, SYS_init_module, SYS_finit_module, SYS_delete_module,
  SYS_kexec_load, KEXEC_FILE_LOAD, SYS_reboot,
  SYS_swapon, SYS_swapoff, SYS_acct, SYS_quotactl, SYS_settimeofday, SYS_clock_settime,
  SYS_adjtimex, SYS_clock_adjtime, SYS_sethostname, SYS_setdomainname, SYS_syslog, SYS_vhangup,
  /* Parts of the kernel with a history of errors. */
  SYS_keyctl, SYS_add_key, SYS_request_key, SYS_userfaultfd, 425 /* io_uring_setup */,
  426 /* io_uring_enter */, 427 /* io_uring_register */, SYS_open_by_handle_at, SYS_personality,
  SYS_fanotify_init,
  /* Files that are in no directory could be executed. */
  SYS_memfd_create, 447 /* memfd_secret */,
  /* What Landlock does not look at. */
  SYS_truncate, SYS_fchmod, SYS_fchmodat, 452 /* fchmodat2 */, SYS_fchown, SYS_fchownat,
  SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, SYS_removexattr, SYS_lremovexattr,
  SYS_fremovexattr, 463 /* setxattrat */, 466 /* removexattrat */, SYS_mknodat, SYS_utimensat,
#ifdef __x86_64__
  SYS_utime, SYS_utimes, SYS_futimesat, SYS_chmod, SYS_chown, SYS_lchown, SYS_mknod, SYS_iopl, SYS_ioperm, SYS_modify_ldt,
#endif
};

static void add(struct filter *filter, struct instruction instruction) {
  if (filter->count == INSTRUCTIONS_MAX) fail_at(STEP_CALLS, E2BIG, EXIT_NOT_STARTED);
  filter->instructions[filter->count] = instruction;
  filter->count += 1;
}

static void answer(struct filter *filter, uint32_t value) {
  add(filter, (struct instruction){ANSWER, 0, 0, value});
}

static void answer_call(struct filter *filter, uint32_t number, int error) {
  add(filter, (struct instruction){IF_EQUAL, 0, 1, number});
  answer(filter, ANSWER_ERROR | (uint32_t)error);
}

/* Of a call with a process as its first argument: only with this one. */
static void allow_call_only_with(struct filter *filter, uint32_t number, uint32_t process) {
  add(filter, (struct instruction){IF_EQUAL, 0, 4, number});
  add(filter, (struct instruction){LOAD, 0, 0, FIRST_ARGUMENT});
  add(filter, (struct instruction){IF_EQUAL, 1, 0, process});
  answer(filter, ANSWER_ERROR | EPERM);
  answer(filter, ANSWER_ALLOW);
}

/* Of a call with a command as its second argument: not with this one or that. */
static void forbid_commands(
    struct filter *filter, uint32_t number, const uint32_t commands[], uint8_t count) {
  add(filter, (struct instruction){IF_EQUAL, 0, (uint8_t)(2 * count + 2), number});
  add(filter, (struct instruction){LOAD, 0, 0, SECOND_ARGUMENT});
  for (uint8_t index = 0; index < count; index += 1) {
    add(filter, (struct instruction){IF_EQUAL, 0, 1, commands[index]});
    answer(filter, ANSWER_ERROR | EPERM);
  }
  answer(filter, ANSWER_ALLOW);
}

/* Who owns a descriptor gets a signal, any at all, when there is something to read: F_SETSIG in fcntl(2). */
static void forbid_signals_by_descriptors(struct filter *filter) {
  static const uint32_t of_fcntl[] = {8 /* F_SETOWN */, 10 /* F_SETSIG */, 15 /* F_SETOWN_EX */};
  static const uint32_t of_ioctl[] = {0x8901 /* FIOSETOWN */, 0x8902 /* SIOCSPGRP */};
  forbid_commands(filter, SYS_fcntl, of_fcntl, sizeof of_fcntl / sizeof *of_fcntl);
  forbid_commands(filter, SYS_ioctl, of_ioctl, sizeof of_ioctl / sizeof *of_ioctl);
}

/* A call of another architecture would have other numbers: i386, or x32 on x86-64. */
static void kill_foreign_calls(struct filter *filter) {
  add(filter, (struct instruction){LOAD, 0, 0, CALL_ARCHITECTURE});
  add(filter, (struct instruction){IF_EQUAL, 1, 0, OWN_ARCHITECTURE});
  answer(filter, ANSWER_KILL);
  add(filter, (struct instruction){LOAD, 0, 0, CALL_NUMBER});
#ifdef X32_CALLS
  add(filter, (struct instruction){IF_AT_LEAST, 0, 1, X32_CALLS});
  answer(filter, ANSWER_KILL);
#endif
}

/* New threads and processes, but no new namespaces. */
static void allow_clone_without_namespaces(struct filter *filter) {
  add(filter, (struct instruction){IF_EQUAL, 0, 4, SYS_clone});
  add(filter, (struct instruction){LOAD, 0, 0, FIRST_ARGUMENT});
  add(filter, (struct instruction){IF_ANY_BIT, 0, 1, NEW_NAMESPACES});
  answer(filter, ANSWER_ERROR | EPERM);
  answer(filter, ANSWER_ALLOW);
  /* clone3 has its flags in memory, where no filter sees them; C libraries take clone in its place. */
  answer_call(filter, 435, ENOSYS);
}

static void confine_calls(void) {
  struct instruction instructions[INSTRUCTIONS_MAX];
  struct filter filter = {0, instructions};
  kill_foreign_calls(&filter);
  const size_t count = sizeof forbidden_calls / sizeof *forbidden_calls;
  for (size_t index = 0; index < count; index += 1) {
    answer_call(&filter, forbidden_calls[index], EPERM);
  }
  allow_clone_without_namespaces(&filter);
  /* Kernels before 6.12 let Landlock say nothing about signals: the service would be within reach. */
  allow_call_only_with(&filter, SYS_kill, (uint32_t)getpid());
  allow_call_only_with(&filter, SYS_tgkill, (uint32_t)getpid());
  allow_call_only_with(&filter, SYS_prlimit64, 0);
  allow_call_only_with(&filter, SYS_sched_setaffinity, 0);
  forbid_signals_by_descriptors(&filter);
  answer(&filter, ANSWER_ALLOW);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER_NUMBER, &filter, 0, 0) != 0) {
    fail_at(STEP_CALLS, errno, EXIT_NOT_STARTED);
  }
}

#else

static void confine_calls(void) { fail_at(STEP_CALLS, ENOSYS, EXIT_NOT_STARTED); }

#endif

static void confine(const struct order *order) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    fail_at(STEP_PRIVILEGES, errno, EXIT_NOT_STARTED);
  }
  confine_files(order);
  confine_calls();
}

static _Noreturn void become(const struct order *order) {
  if (chdir(order->directory) != 0) fail(errno, EXIT_NOT_STARTED);
  /* A system that does not let it be nicer gets it as it is. */
  (void)setpriority(PRIO_PROCESS, 0, order->niceness);
  arrange_descriptors(order->flags);
  apply_limits(order);
  if ((order->flags & CONFINE) != 0) confine(order);
  /* execvp looks for a bare name on the PATH of the order, as starting it directly would. */
  environ = order->environment;
  execvp(order->arguments[0], order->arguments);
  fail(errno, EXIT_NOT_STARTED);
}

/* Dies with the service. It may have died before this was arranged: then the parent is another one. */
static void bind_to(const char *service) {
  char *end = NULL;
  const long parent = strtol(service, &end, 10);
  if (parent <= 0 || *end != 0) _exit(EXIT_MALFORMED);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) fail(errno, EXIT_NOT_STARTED);
  if (getppid() != (pid_t)parent) _exit(0);
}

/* Node gives a child nothing but its pipes; whoever else starts this may. */
static void close_foreign_descriptors(void) {
  if (syscall(SYS_close_range, FIRST_FOREIGN, ~0u, 0) == 0) return;
  /* Kernels before 5.9. */
  const long count = sysconf(_SC_OPEN_MAX);
  for (int descriptor = FIRST_FOREIGN; descriptor < count; descriptor += 1) close(descriptor);
}

static bool could_open(const char *path, int flags) {
  const int descriptor = open(path, flags | O_CLOEXEC, 0700);
  if (descriptor >= 0) close(descriptor);
  return descriptor >= 0;
}

static bool could_connect(int family, int type) {
  const int descriptor = socket(family, type | SOCK_CLOEXEC, 0);
  if (descriptor >= 0) close(descriptor);
  return descriptor >= 0;
}

static bool could_pair(void) {
  int descriptors[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, descriptors) != 0) return false;
  close(descriptors[0]);
  close(descriptors[1]);
  return true;
}

/* An empty file is no program, but that is found out only by who may execute it. */
static bool could_execute(const char *path) {
  const pid_t child = fork();
  if (child < 0) return true;
  if (child == 0) {
    execl(path, path, (char *)NULL);
    _exit(errno == EACCES ? 0 : 1);
  }
  int status = 1;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  return status != 0;
}

static int expect(bool is_so, const char *otherwise) {
  if (!is_so) printf("%s\n", otherwise);
  return is_so ? 0 : 1;
}

/*
 * Tries what no confined program may do, and what each must be able to. A line tells of each that went
 * other than it should; the directory is the program's own, the file lies in none of its paths.
 */
static int test_itself(const char *foreign_file) {
  const char *own_file = "self-test";
  int faults = 0;
  faults += expect(could_open(own_file, O_WRONLY | O_CREAT), "no file can be written in its directory");
  faults += expect(could_open(own_file, O_RDONLY), "no file can be read in its directory");
  faults += expect(!could_open(foreign_file, O_RDONLY), "another file can be read");
  faults += expect(!could_open(foreign_file, O_WRONLY), "another file can be written");
  faults += expect(symlink(foreign_file, "link") != 0, "a symbolic link can be made");
  faults += expect(!could_execute("./self-test"), "a file can be executed that it has written");
  faults += expect(!could_connect(AF_INET, SOCK_STREAM), "a TCP socket can be opened");
  faults += expect(!could_connect(AF_INET, SOCK_DGRAM), "a UDP socket can be opened");
  faults += expect(!could_connect(AF_UNIX, SOCK_STREAM), "a Unix socket can be opened");
  faults += expect(!could_pair(), "a pair of Unix sockets can be opened");
  faults += expect(kill(getppid(), 0) != 0, "the service can be sent signals");
  const bool is_unheard = fcntl(STDIN, F_SETOWN, getppid()) != 0;
  faults += expect(is_unheard, "the service can be sent signals by a descriptor");
  const int niceness = getpriority(PRIO_PROCESS, (id_t)getppid());
  const bool is_untouched = setpriority(PRIO_PROCESS, (id_t)getppid(), niceness) != 0;
  faults += expect(is_untouched, "the service can be slowed down");
  (void)unlink(own_file);
  if (faults == 0) printf("confined\n");
  return faults == 0 ? 0 : 1;
}

int main(int count, char **arguments) {
  if (count == 2 && strcmp(arguments[1], "--version") == 0) {
    printf("reelgraph-launcher %d\n", ORDER_VERSION);
    return 0;
  }
  if (count == 3 && strcmp(arguments[1], "--self-test") == 0) return test_itself(arguments[2]);
  if (count != 2) return EXIT_MALFORMED;
  bind_to(arguments[1]);
  close_foreign_descriptors();
  if (fcntl(ORDER, F_SETFD, FD_CLOEXEC) != 0) return EXIT_MALFORMED;
  const struct order order = parse(receive());
  become(&order);
}
