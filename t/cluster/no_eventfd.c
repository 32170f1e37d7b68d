
/*
 * Loaded before libc: the second eventfd() with flags of each process fails
 * as if there were no descriptor left.  nginx's own eventfd() has no flags,
 * the first one with flags is of the thread that polls.
 */


#include <errno.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>


int
eventfd(unsigned int count, int flags)
{
    static int  calls;

    if (flags != 0 && ++calls == 2) {
        errno = EMFILE;
        return -1;
    }

    return (int) syscall(SYS_eventfd2, count, flags);
}
