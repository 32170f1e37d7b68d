
#define _GNU_SOURCE

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "unit.h"

#include "sss_board.h"


#define HAMMER_CAPACITY  24
#define HAMMER_WRITES    20000
#define HAMMER_SECONDS   60


static sss_ring_t *
new_ring(uint32_t capacity)
{
    sss_ring_t  *ring;

    ring = malloc(sss_ring_size(capacity));
    assert_non_null(ring);

    memset(ring, 0xa5, sss_ring_size(capacity));
    sss_ring_init(ring, capacity);

    return ring;
}


static sss_board_t *
new_board(uint32_t capacity)
{
    sss_board_t  *board;

    board = malloc(sss_board_size(capacity));
    assert_non_null(board);

    memset(board, 0xa5, sss_board_size(capacity));
    sss_board_init(board, capacity);

    return board;
}


/* A ring whose every word follows from "count", which is in the slot. */

static void
fill(sss_ring_t *ring, uint64_t count)
{
    uint32_t    i;
    uint64_t    seed;
    sss_key_t  *key;

    sss_ring_wipe(ring);

    ring->n = (uint32_t) (count % ring->capacity) + 1;

    for (i = 0; i < ring->n; i++) {
        key = &ring->keys[i];
        seed = count * 1000 + i + 1;

        key->slot = count;
        key->created = unit_random(&seed);
        key->expires = unit_random(&seed);
        key->rotation = (uint32_t) unit_random(&seed);
        memset(key->name, (int) unit_random(&seed), sizeof(key->name));
        memset(key->aes, (int) unit_random(&seed), sizeof(key->aes));
        memset(key->hmac, (int) unit_random(&seed), sizeof(key->hmac));
    }
}


static int
whole(const sss_ring_t *ring, sss_ring_t *spare)
{
    if (ring->n == 0) {
        return 1;
    }

    fill(spare, ring->keys[0].slot);

    return spare->n == ring->n
           && memcmp(spare->keys, ring->keys, sizeof(sss_key_t) * ring->n)
              == 0;
}


static void
test_empty(void **state)
{
    uint64_t      version;
    sss_ring_t   *ring;
    sss_board_t  *board;

    (void) state;

    board = new_board(5);
    ring = new_ring(5);
    fill(ring, 3);

    version = sss_board_version(board);

    assert_int_not_equal(version, 0);
    assert_int_equal(sss_board_read(board, ring), version);
    assert_int_equal(ring->n, 0);
    assert_int_equal(ring->capacity, 5);
    assert_true(unit_zero(ring->keys, 5 * sizeof(sss_key_t)));

    free(board);
    free(ring);
}


static void
test_write(void **state)
{
    uint64_t      i, version, last;
    sss_ring_t   *ring, *read;
    sss_board_t  *board;

    (void) state;

    board = new_board(5);
    ring = new_ring(5);
    read = new_ring(5);
    last = sss_board_version(board);

    for (i = 0; i < 20; i++) {
        fill(ring, i * 7);
        sss_board_write(board, ring);

        version = sss_board_version(board);
        assert_true(version > last);
        last = version;

        assert_int_equal(sss_board_read(board, read), version);
        assert_int_equal(sss_board_version(board), version);
        assert_memory_equal(read, ring, sss_ring_size(5));

        /* what is read is a copy, and reading it again changes nothing */

        memset(read->keys, 0xa5, sizeof(sss_key_t));
        assert_int_equal(sss_board_read(board, read), version);
        assert_memory_equal(read, ring, sss_ring_size(5));
    }

    free(board);
    free(ring);
    free(read);
}


/* A ring of another size never overflows a buffer. */

static void
test_capacity(void **state)
{
    sss_ring_t   *big, *small, *read;
    sss_board_t  *board;

    (void) state;

    board = new_board(5);
    big = new_ring(10);
    small = new_ring(3);
    read = new_ring(10);

    fill(big, 7);
    assert_int_equal(big->n, 8);

    sss_board_write(board, big);
    assert_int_not_equal(sss_board_read(board, read), 0);
    assert_int_equal(read->n, 5);
    assert_memory_equal(read->keys, big->keys, 5 * sizeof(sss_key_t));

    assert_int_not_equal(sss_board_read(board, small), 0);
    assert_int_equal(small->n, 3);
    assert_memory_equal(small->keys, big->keys, 3 * sizeof(sss_key_t));

    /* nor does an invalid number of keys */

    memset(board + 1, 0xff, sizeof(uint64_t));
    assert_int_not_equal(sss_board_read(board, read), 0);
    assert_int_equal(read->n, 5);

    free(board);

    board = new_board(0);
    sss_board_write(board, big);
    assert_int_not_equal(sss_board_read(board, read), 0);
    assert_int_equal(read->n, 0);

    free(board);
    free(big);
    free(small);
    free(read);
}


/* The bytes of a key that has left the ring are nowhere on the board. */

static void
test_forgotten(void **state)
{
    size_t        size;
    sss_key_t     key;
    sss_ring_t   *ring;
    sss_board_t  *board;

    (void) state;

    size = sss_board_size(5);
    board = new_board(5);
    ring = new_ring(5);

    assert_int_equal(sss_key_generate(&key, 10, 100, 1000000, 5), 0);
    assert_int_equal(sss_ring_add(ring, &key), 1);
    assert_int_equal(sss_key_generate(&key, 10, 101, 1000000, 100), 0);
    assert_int_equal(sss_ring_add(ring, &key), 1);

    assert_int_equal(ring->keys[1].slot, 100);
    key = ring->keys[1];

    sss_board_write(board, ring);
    assert_non_null(memmem(board, size, key.aes, 16));
    assert_non_null(memmem(board, size, key.hmac, 16));

    assert_int_equal(sss_ring_expire(ring, 1020000), 1);
    sss_board_write(board, ring);

    assert_null(memmem(board, size, key.aes, 16));
    assert_null(memmem(board, size, key.hmac, 16));

    free(board);
    free(ring);
}


/*
 * Writers that die half-way: a child process publishes into memory where it is
 * killed at a random word.  What it leaves behind must be a complete ring.
 */

static void
test_writer_dies(void **state)
{
    int           status;
    long          page;
    pid_t         pid;
    size_t        size, i, deaths;
    uint64_t      version;
    uint32_t      capacity;
    sss_ring_t   *old, *new, *read, *spare;
    sss_board_t  *board;

    (void) state;

    page = sysconf(_SC_PAGESIZE);
    capacity = 200;
    size = sss_board_size(capacity);
    deaths = 0;

    board = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS,
                 -1, 0);
    assert_true(board != MAP_FAILED);

    old = new_ring(capacity);
    new = new_ring(capacity);
    read = new_ring(capacity);
    spare = new_ring(capacity);

    sss_board_init(board, capacity);
    fill(old, 198);
    fill(new, 197);

    for (i = 1; i * (size_t) page < size; i++) {
        sss_board_write(board, old);
        version = sss_board_version(board);

        pid = fork();
        assert_int_not_equal(pid, -1);

        if (pid == 0) {
            signal(SIGSEGV, SIG_DFL);
            signal(SIGBUS, SIG_DFL);

            mprotect((char *) board + i * (size_t) page, (size_t) page,
                     PROT_READ);

            sss_board_write(board, new);
            _exit(0);
        }

        assert_int_equal(waitpid(pid, &status, 0), pid);
        deaths += WIFSIGNALED(status) != 0;

        assert_int_not_equal(sss_board_read(board, read), 0);
        assert_true(whole(read, spare));
        assert_true(read->n == new->n || read->n == old->n);

        /* the next writer goes on from there */

        sss_board_write(board, new);
        assert_true(sss_board_version(board) > version);
        assert_int_not_equal(sss_board_read(board, read), 0);
        assert_memory_equal(read, new, sss_ring_size(capacity));
    }

    assert_true(deaths > 3);

    munmap(board, size);
    free(old);
    free(new);
    free(read);
    free(spare);
}


/*
 * A write at the worst moment: a page fault of the reader, when it copies into
 * its second or fourth page, causes a complete write.
 */

static struct {
    sss_board_t           *board;
    sss_ring_t            *ring;
    char                  *pages;
    size_t                 page;
    volatile unsigned      writes;
    volatile sig_atomic_t  limit;
} overtake;


static void
overtake_protect(int second, int fourth)
{
    size_t  page;

    page = overtake.page;

    mprotect(overtake.pages + page, page, second);
    mprotect(overtake.pages + 3 * page, page, fourth);
}


static void
overtake_fault(int signo, siginfo_t *info, void *context)
{
    char  *p;

    (void) context;

    p = info->si_addr;

    if (p < overtake.pages || p >= overtake.pages + 5 * overtake.page) {
        signal(signo, SIG_DFL);
        return;
    }

    overtake.writes++;

    /* the next ring is also full */

    fill(overtake.ring,
         overtake.ring->keys[0].slot + overtake.ring->capacity);
    sss_board_write(overtake.board, overtake.ring);

    if (overtake.writes >= (unsigned) overtake.limit) {
        overtake_protect(PROT_READ|PROT_WRITE, PROT_READ|PROT_WRITE);

    } else if (p < overtake.pages + 2 * overtake.page) {
        overtake_protect(PROT_READ|PROT_WRITE, PROT_NONE);

    } else {
        overtake_protect(PROT_NONE, PROT_READ|PROT_WRITE);
    }
}


static void
test_overtaken(void **state)
{
    uint32_t           capacity;
    uint64_t           version;
    sss_ring_t        *ring;
    struct sigaction   action, segv, bus;

    (void) state;

    overtake.page = (size_t) sysconf(_SC_PAGESIZE);
    capacity = (uint32_t) (overtake.page * 5 / sizeof(sss_key_t)) - 1;

    overtake.pages = mmap(NULL, 5 * overtake.page, PROT_READ|PROT_WRITE,
                          MAP_PRIVATE|MAP_ANONYMOUS, -1, 0);
    assert_true(overtake.pages != MAP_FAILED);

    ring = (sss_ring_t *) (void *) overtake.pages;
    sss_ring_init(ring, capacity);

    overtake.board = new_board(capacity);
    overtake.ring = new_ring(capacity);

    fill(overtake.ring, capacity - 1);
    assert_int_equal(overtake.ring->n, capacity);
    sss_board_write(overtake.board, overtake.ring);

    memset(&action, 0, sizeof(action));
    action.sa_sigaction = overtake_fault;
    action.sa_flags = SA_SIGINFO;

    assert_int_equal(sigaction(SIGSEGV, &action, &segv), 0);
    assert_int_equal(sigaction(SIGBUS, &action, &bus), 0);

    /* overtaken once: the result is the ring of the second write */

    overtake.writes = 0;
    overtake.limit = 1;
    overtake_protect(PROT_NONE, PROT_READ|PROT_WRITE);

    version = sss_board_read(overtake.board, ring);

    assert_int_equal(overtake.writes, 1);
    assert_int_not_equal(version, 0);
    assert_int_equal(version, sss_board_version(overtake.board));
    assert_memory_equal(ring, overtake.ring, sss_ring_size(capacity));

    /* overtaken at every attempt: no ring is returned, and no key is left */

    overtake.writes = 0;
    overtake.limit = 1000;

    fill(overtake.ring, capacity - 1);
    sss_board_write(overtake.board, overtake.ring);
    overtake_protect(PROT_NONE, PROT_READ|PROT_WRITE);

    version = sss_board_read(overtake.board, ring);

    overtake_protect(PROT_READ|PROT_WRITE, PROT_READ|PROT_WRITE);

    assert_int_equal(version, 0);
    assert_in_range(overtake.writes, 3, 100);
    assert_int_equal(ring->n, 0);
    assert_true(unit_zero(ring->keys, capacity * sizeof(sss_key_t)));

    /* when there are no more writes, reading works again */

    version = sss_board_read(overtake.board, ring);
    assert_int_equal(version, sss_board_version(overtake.board));
    assert_memory_equal(ring, overtake.ring, sss_ring_size(capacity));

    sigaction(SIGSEGV, &segv, NULL);
    sigaction(SIGBUS, &bus, NULL);

    munmap(overtake.pages, 5 * overtake.page);
    free(overtake.board);
    free(overtake.ring);
}


/*
 * The hammer: two writers and four readers, half of them in another process,
 * use one board.  Every ring that a reader gets must be complete, and none
 * older than the one before.
 */

typedef struct {
    pthread_mutex_t   lock;
    uint64_t          count;            /* the last ring, under the lock */
    _Atomic int       broken;
    _Atomic uint64_t  reads;
    _Alignas(64) sss_board_t  board;
} hammer_t;


static int
late(const struct timespec *start)
{
    struct timespec  now;

    clock_gettime(CLOCK_MONOTONIC, &now);

    return now.tv_sec - start->tv_sec > HAMMER_SECONDS;
}


static void *
hammer_write(void *data)
{
    int               done;
    hammer_t         *hammer;
    sss_ring_t       *ring;
    struct timespec   start;

    hammer = data;
    ring = new_ring(HAMMER_CAPACITY);

    clock_gettime(CLOCK_MONOTONIC, &start);

    do {
        pthread_mutex_lock(&hammer->lock);

        done = hammer->count == HAMMER_WRITES;

        if (!done) {
            fill(ring, ++hammer->count);
            sss_board_write(&hammer->board, ring);
        }

        pthread_mutex_unlock(&hammer->lock);

    } while (!done && !hammer->broken && !late(&start));

    hammer->broken |= !done;

    free(ring);

    return NULL;
}


static void *
hammer_read(void *data)
{
    uint64_t          version, last, count;
    hammer_t         *hammer;
    sss_ring_t       *ring, *spare;
    struct timespec   start;

    hammer = data;
    ring = new_ring(HAMMER_CAPACITY);
    spare = new_ring(HAMMER_CAPACITY);
    last = 0;
    count = 0;

    clock_gettime(CLOCK_MONOTONIC, &start);

    do {
        version = sss_board_read(&hammer->board, ring);

        if (version == 0) {
            continue;
        }

        if (version < last
            || !whole(ring, spare)
            || (ring->n > 0 && ring->keys[0].slot < count)
            || (ring->n == 0 && count > 0))
        {
            hammer->broken = 1;
            break;
        }

        last = version;
        count = ring->n > 0 ? ring->keys[0].slot : 0;
        hammer->reads++;

    } while (count < HAMMER_WRITES && !hammer->broken && !late(&start));

    hammer->broken |= count != HAMMER_WRITES;

    free(ring);
    free(spare);

    return NULL;
}


/* What each of the two processes does: two readers and a writer. */

static int
hammer_process(hammer_t *hammer)
{
    pthread_t  reader[2], writer;

    if (pthread_create(&reader[0], NULL, hammer_read, hammer) != 0
        || pthread_create(&reader[1], NULL, hammer_read, hammer) != 0
        || pthread_create(&writer, NULL, hammer_write, hammer) != 0)
    {
        hammer->broken = 1;
        return -1;
    }

    pthread_join(reader[0], NULL);
    pthread_join(reader[1], NULL);
    pthread_join(writer, NULL);

    return 0;
}


static void
test_hammer(void **state)
{
    int                   status;
    pid_t                 pid;
    size_t                size;
    hammer_t             *hammer;
    pthread_mutexattr_t   attr;

    (void) state;

    size = offsetof(hammer_t, board) + sss_board_size(HAMMER_CAPACITY);

    hammer = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS,
                  -1, 0);
    assert_true(hammer != MAP_FAILED);

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&hammer->lock, &attr);
    pthread_mutexattr_destroy(&attr);

    sss_board_init(&hammer->board, HAMMER_CAPACITY);

    pid = fork();
    assert_int_not_equal(pid, -1);

    if (pid == 0) {

        /* ends the process even if it hangs */

        alarm(2 * HAMMER_SECONDS);
        _exit(hammer_process(hammer) == 0 ? 0 : 1);
    }

    (void) hammer_process(hammer);

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);

    print_message("%llu reads of %u writes\n",
                  (unsigned long long) hammer->reads, HAMMER_WRITES);

    assert_int_equal(hammer->broken, 0);
    assert_int_equal(hammer->count, HAMMER_WRITES);
    assert_true(hammer->reads >= 4);

    pthread_mutex_destroy(&hammer->lock);
    munmap(hammer, size);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_capacity),
        cmocka_unit_test(test_forgotten),
        cmocka_unit_test(test_writer_dies),
        cmocka_unit_test(test_overtaken),
        cmocka_unit_test(test_hammer)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
