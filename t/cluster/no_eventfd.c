
/*
 * Loaded before libc: in each process the first eventfd() with flags fails as
 * if there were no descriptor left.  nginx's own call has no flags, so it is
 * the one of the worker's memcached client, and the worker has no sessions by
 * ID in memcached.  For polls the client is started again later, with success.
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
