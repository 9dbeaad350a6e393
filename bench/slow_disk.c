/* A slow disk, for a program that is started with this library in LD_PRELOAD: each fsync and
 * fdatasync takes so many microseconds more as TICKETD_SLOW_DISK_MICROS says. The delay comes
 * before the sync itself, in the thread that asks for it, as with a disk that is busy. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

static void pass(void) {
  const char *text = getenv("TICKETD_SLOW_DISK_MICROS");
  long micros = text ? atol(text) : 0;
  struct timespec left = {micros / 1000000, micros % 1000000 * 1000};
  while (nanosleep(&left, &left) == -1 && errno == EINTR) {
  }
}

static int slowly(const char *name, int fd) {
  int (*sync)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  pass();
  return sync(fd);
}

int fsync(int fd) { return slowly("fsync", fd); }

int fdatasync(int fd) { return slowly("fdatasync", fd); }
