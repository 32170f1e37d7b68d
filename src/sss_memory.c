
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <openssl/crypto.h>

#include "sss_memory.h"


#if defined MADV_DONTDUMP
#define SSS_MEMORY_NO_DUMP  MADV_DONTDUMP
#elif defined MADV_NOCORE
#define SSS_MEMORY_NO_DUMP  MADV_NOCORE
#endif


#define SSS_MEMORY_SCRUB  1024

#if defined __GNUC__
#define SSS_MEMORY_NOINLINE  __attribute__((noinline))
#else
#define SSS_MEMORY_NOINLINE
#endif

/*
 * gcc 11 and clang 15 can clear the call-used registers when a function
 * returns.  For older compilers the code below names the vector registers.
 */

#if defined __has_attribute
#if __has_attribute(zero_call_used_regs)
#define SSS_MEMORY_CLEAR_REGISTERS                                            \
    __attribute__((zero_call_used_regs("all")))
#endif
#endif

#ifndef SSS_MEMORY_CLEAR_REGISTERS
#define SSS_MEMORY_CLEAR_REGISTERS

#if defined __GNUC__ && defined __x86_64__
#define SSS_MEMORY_CLEAR(n)                                                   \
    __asm__ __volatile__ ("pxor %%xmm" #n ", %%xmm" #n : : : "xmm" #n)
#endif
#endif


static void sss_memory_scrub(void) SSS_MEMORY_NOINLINE;


void *
sss_memory_alloc(size_t size)
{
    void  *p;

    p = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS,
             -1, 0);

    if (p == MAP_FAILED) {
        return NULL;
    }

    /* memory that is in core dumps is better than no service at all */

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

    sss_memory_scrub();
}


/*
 * memcpy() leaves the last bytes that it has copied in vector registers, and a
 * core dump has these.  Copying zeros in the same way overwrites them, also
 * those that the C library uses and the compiler was not told to.
 */

SSS_MEMORY_CLEAR_REGISTERS static void
sss_memory_scrub(void)
{
    size_t                   i;
    uint8_t                  to[SSS_MEMORY_SCRUB];
    static const uint8_t     zero[SSS_MEMORY_SCRUB];
    static const size_t      sizes[] = { 16, 32, 64, 128, 256, 512,
                                         SSS_MEMORY_SCRUB };
    void *(*volatile copy)(void *, const void *, size_t) = memmove;

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        copy(to, zero, sizes[i]);
    }

#ifdef SSS_MEMORY_CLEAR
    SSS_MEMORY_CLEAR(0);
    SSS_MEMORY_CLEAR(1);
    SSS_MEMORY_CLEAR(2);
    SSS_MEMORY_CLEAR(3);
    SSS_MEMORY_CLEAR(4);
    SSS_MEMORY_CLEAR(5);
    SSS_MEMORY_CLEAR(6);
    SSS_MEMORY_CLEAR(7);
    SSS_MEMORY_CLEAR(8);
    SSS_MEMORY_CLEAR(9);
    SSS_MEMORY_CLEAR(10);
    SSS_MEMORY_CLEAR(11);
    SSS_MEMORY_CLEAR(12);
    SSS_MEMORY_CLEAR(13);
    SSS_MEMORY_CLEAR(14);
    SSS_MEMORY_CLEAR(15);
#endif
}
