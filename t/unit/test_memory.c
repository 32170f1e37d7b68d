
#define _GNU_SOURCE

#include <inttypes.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "unit.h"

#include "sss_memory.h"


/*
 * Replaces the C library's munmap(), to see what is in a page when it goes
 * back to the system.
 */

static const void  *watched;
static size_t       watched_size;
static int          watched_zero;

int munmap(void *p, size_t size);


int
munmap(void *p, size_t size)
{
    if (p == watched && watched != NULL) {
        watched_zero = unit_zero(p, watched_size);
        watched = NULL;
    }

    return (int) syscall(SYS_munmap, p, size);
}


/* 1 if the mapping of "p" has the flag "dd", 0 if not, -1 if unknown. */

static int
no_dump(const void *p)
{
    int         found, flag;
    FILE       *f;
    char        line[4096];
    uintptr_t   from, to;

    f = fopen("/proc/self/smaps", "r");
    if (f == NULL) {
        return -1;
    }

    found = 0;
    flag = -1;

    while (flag == -1 && fgets(line, sizeof(line), f) != NULL) {

        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2) {
            found = (uintptr_t) p >= from && (uintptr_t) p < to;
            continue;
        }

        if (found && strncmp(line, "VmFlags:", 8) == 0) {
            flag = strstr(line, " dd") != NULL;
        }
    }

    fclose(f);

    return flag;
}


/* An emulator may keep from the kernel what it is told. */

static int
no_dump_shown(void)
{
    int      shown;
    char    *p;
    size_t   size;

    size = (size_t) sysconf(_SC_PAGESIZE);

    p = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1,
             0);
    assert_true(p != MAP_FAILED);

    (void) madvise(p, size, MADV_DONTDUMP);
    shown = no_dump(p) == 1;

    munmap(p, size);

    return shown;
}


static void
test_alloc(void **state)
{
    char    *p;
    size_t   size;

    (void) state;

    for (size = 1; size <= 70000; size = size * 3 + 1) {
        p = sss_memory_alloc(size);

        assert_non_null(p);
        assert_true(unit_zero(p, size));
        assert_int_equal((uintptr_t) p % (uintptr_t) sysconf(_SC_PAGESIZE),
                         0);

        memset(p, 0xa5, size);
        sss_memory_free(p, size);
    }
}


static void
test_alloc_refused(void **state)
{
    (void) state;

    assert_null(sss_memory_alloc(0));
    assert_null(sss_memory_alloc(SIZE_MAX / 4 * 3));
    assert_null(sss_memory_alloc(SIZE_MAX));

    sss_memory_free(NULL, 0);
    sss_memory_free(NULL, 4096);
}


static void
test_free_wipes(void **state)
{
    char    *p;
    size_t   size;

    (void) state;

    size = 10000;

    p = sss_memory_alloc(size);
    assert_non_null(p);

    memset(p, 0xa5, size);

    watched = p;
    watched_size = size;
    watched_zero = 0;

    sss_memory_free(p, size);

    assert_null(watched);
    assert_int_equal(watched_zero, 1);
}


static void
test_not_dumped(void **state)
{
    int      known;
    char    *secret, *plain;
    size_t   size;

    (void) state;

    size = 3 * (size_t) sysconf(_SC_PAGESIZE);

    secret = sss_memory_alloc(size - 1);
    assert_non_null(secret);

    plain = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS,
                 -1, 0);
    assert_true(plain != MAP_FAILED);

    known = no_dump_shown() ? no_dump(plain) : -1;

    if (known != -1) {
        assert_int_equal(known, 0);
        assert_int_equal(no_dump(secret), 1);
        assert_int_equal(no_dump(secret + size - 2), 1);

        assert_int_equal(sss_memory_hide(plain, size), 0);
        assert_int_equal(no_dump(plain), 1);
        assert_int_equal(no_dump(plain + size - 1), 1);
    }

    sss_memory_free(secret, size - 1);
    munmap(plain, size);

    if (known == -1) {
        skip();
    }
}


static void
test_hide_refused(void **state)
{
    char  *p;

    (void) state;

    p = sss_memory_alloc(4096);
    assert_non_null(p);

    assert_int_equal(sss_memory_hide(p + 1, 100), -1);

    sss_memory_free(p, 4096);
}


static void
test_wipe(void **state)
{
    char  p[64];

    (void) state;

    memset(p, 0xa5, sizeof(p));

    sss_memory_wipe(p + 1, 0);
    assert_int_equal((uint8_t) p[1], 0xa5);

    sss_memory_wipe(p + 1, sizeof(p) - 2);

    assert_int_equal((uint8_t) p[0], 0xa5);
    assert_true(unit_zero(p + 1, sizeof(p) - 2));
    assert_int_equal((uint8_t) p[sizeof(p) - 1], 0xa5);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_alloc),
        cmocka_unit_test(test_alloc_refused),
        cmocka_unit_test(test_free_wipes),
        cmocka_unit_test(test_not_dumped),
        cmocka_unit_test(test_hide_refused),
        cmocka_unit_test(test_wipe)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
