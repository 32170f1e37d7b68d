
/*
 * Loaded before libc: the first eventfd() with flags of each process fails as
 * if there were no descriptor left; nginx's own eventfd() has no flags.  It is
 * of the worker's client of memcached, whose sessions do without then.  For
 * the keys the client is tried again.
 */


#include <errno.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>


int
eventfd(unsigned int count, int flags)
{
    static int  calls;

    if (flags != 0 && ++calls == 1) {
        errno = EMFILE;
        return -1;
    }

    return (int) syscall(SYS_eventfd2, count, flags);
}
