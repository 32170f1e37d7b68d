
#include <sys/mman.h>

#include <openssl/crypto.h>

#include "sss_memory.h"


#if defined MADV_DONTDUMP
#define SSS_MEMORY_NO_DUMP  MADV_DONTDUMP
#elif defined MADV_NOCORE
#define SSS_MEMORY_NO_DUMP  MADV_NOCORE
#endif


void *
sss_memory_alloc(size_t size)
{
    void  *p;

    p = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS,
             -1, 0);

    if (p == MAP_FAILED) {
        return NULL;
    }

    /* a system that has no such flag is no reason not to serve */

    (void) sss_memory_hide(p, size);

    return p;
}


void
sss_memory_free(void *p, size_t size)
{
    if (p == NULL) {
        return;
    }

    OPENSSL_cleanse(p, size);

    (void) munmap(p, size);
}


int
sss_memory_hide(void *p, size_t size)
{
#ifdef SSS_MEMORY_NO_DUMP

    return madvise(p, size, SSS_MEMORY_NO_DUMP) == 0 ? 0 : -1;

#else

    (void) p;
    (void) size;

    return -1;

#endif
}


void
sss_memory_wipe(void *p, size_t size)
{
    OPENSSL_cleanse(p, size);
}
