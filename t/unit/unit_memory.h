
/*
 * Memory that runs out on demand: the unit_memory_fail'th page that is asked
 * for from now on, as sss_memory_alloc() does, is not there.
 */


#ifndef UNIT_MEMORY_H_INCLUDED
#define UNIT_MEMORY_H_INCLUDED


#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>


static unsigned  unit_memory_fail;      /* 0: none fails                   */


void *
mmap(void *p, size_t size, int prot, int flags, int fd, off_t offset)
{
    if (unit_memory_fail > 0 && --unit_memory_fail == 0) {
        errno = ENOMEM;
        return MAP_FAILED;
    }

    /* the same by another name, and SYS_mmap is not the same everywhere */

    return mmap64(p, size, prot, flags, fd, offset);
}


#endif /* UNIT_MEMORY_H_INCLUDED */
