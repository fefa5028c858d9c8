/*
 * Becomes one program for the service.
 *
 *   launcher <process id of the service>
 *
 * The service starts a few of these ahead of need, each with its pipes in place, and later hands one an
 * order: starting a program then costs the service one write instead of a fork of its whole memory. It
 * also does what only the process itself can do before it becomes a program: it dies with the service
 * (prctl(2), PR_SET_PDEATHSIG), and it takes limits (setrlimit(2)) that the program can't lift.
 *
 *   waiting ──order──▶ preparing ──execvp──▶ the program
 *      │                   └──a step fails──▶ its errno on the order's pipe, exit code 127
 *      ├──no order, end of the pipe──▶ exit code 0: the service needs none
 *      └──not an order──▶ EPROTO on the order's pipe, exit code 125
 *
 * Descriptors: 0, 1, 2 and 3 are the program's; 4 is a Unix stream socket on which the order comes and
 * an errno goes back. That one closes when the program starts: its end without an errno means success.
 *
 * An order is a length and as many bytes, all numbers little-endian, without padding:
 *
 *   u32     bytes behind this field, at most ORDER_BYTES_MAX
 *   u32     ORDER_VERSION
 *   u32     flags: KEEP_STDIN, KEEP_ANSWERS; others are refused
 *   i32     nice value, -20…19
 *   u64 × 5 CPU seconds before SIGXCPU, CPU seconds before SIGKILL, bytes of a file, open files, bytes of
 *           address space; NO_LIMIT leaves one as it is
 *   u32     arguments, 1…STRINGS_MAX, the program first
 *   u32     variables of the environment, 0…STRINGS_MAX, each NAME=value
 *   bytes   the directory, the arguments, the variables; each ends with a zero byte
 *
 * `launcher-order.ts` writes it. C11, and nothing but a C library on Linux (glibc or musl).
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
#include <sys/syscall.h>
#include <unistd.h>

/* Raised with every change of the order's layout: a launcher that was built before it is not used. */
#define ORDER_VERSION 1

/* The kernel itself takes no more than 128 KiB in one argument and 2 MiB in all (execve(2)). */
#define ORDER_BYTES_MAX (2u << 20)
#define STRINGS_MAX 4096u
#define HEADER_BYTES 60u

#define KEEP_STDIN 1u
#define KEEP_ANSWERS 2u
#define NO_LIMIT UINT64_MAX

/* The same number on every architecture; older headers lack it. */
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

enum { STDIN = 0, ANSWERS = 3, ORDER = 4, FIRST_FOREIGN = 5 };
enum { EXIT_MALFORMED = 125, EXIT_NOT_STARTED = 127 };

struct order {
  uint32_t flags;
  int32_t niceness;
  uint64_t cpu_seconds_soft, cpu_seconds_hard, file_bytes, open_files, address_bytes;
  char *directory;
  char **arguments;
  char **environment;
};

/* Unread input. Whoever takes from it checks `left` first. */
struct cursor {
  unsigned char *at;
  size_t left;
};

static _Noreturn void fail(int error, int exit_code) {
  unsigned char bytes[4];
  for (unsigned index = 0; index < sizeof bytes; index += 1) {
    bytes[index] = (unsigned char)((uint32_t)error >> (8 * index));
  }
  /* When nobody listens any more, there is nobody to tell. */
  (void)!send(ORDER, bytes, sizeof bytes, MSG_NOSIGNAL);
  _exit(exit_code);
}

static _Noreturn void refuse(void) { fail(EPROTO, EXIT_MALFORMED); }

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

static void check(const struct order *order) {
  if ((order->flags & ~(KEEP_STDIN | KEEP_ANSWERS)) != 0) refuse();
  if (order->niceness < -20 || order->niceness > 19) refuse();
  if (order->cpu_seconds_soft > order->cpu_seconds_hard) refuse();
  if (order->directory[0] != '/' || order->arguments[0][0] == 0) refuse();
  for (char **variable = order->environment; *variable != NULL; variable += 1) {
    const char *sign = strchr(*variable, '=');
    if (sign == NULL || sign == *variable) refuse();
  }
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
  const uint32_t arguments = (uint32_t)take_number(&input, 4);
  const uint32_t variables = (uint32_t)take_number(&input, 4);
  if (arguments == 0 || arguments > STRINGS_MAX || variables > STRINGS_MAX) refuse();
  order.directory = take_string(&input);
  order.arguments = take_strings(&input, arguments);
  order.environment = take_strings(&input, variables);
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

static _Noreturn void become(const struct order *order) {
  if (chdir(order->directory) != 0) fail(errno, EXIT_NOT_STARTED);
  /* A system that does not let it be nicer gets it as it is. */
  (void)setpriority(PRIO_PROCESS, 0, order->niceness);
  arrange_descriptors(order->flags);
  apply_limits(order);
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

int main(int count, char **arguments) {
  if (count == 2 && strcmp(arguments[1], "--version") == 0) {
    printf("reelgraph-launcher %d\n", ORDER_VERSION);
    return 0;
  }
  if (count != 2) return EXIT_MALFORMED;
  bind_to(arguments[1]);
  close_foreign_descriptors();
  if (fcntl(ORDER, F_SETFD, FD_CLOEXEC) != 0) return EXIT_MALFORMED;
  const struct order order = parse(receive());
  become(&order);
}
