
/*
 * A writer may be writing the words that a reader is copying.  The reader
 * notices that by the version, and discards its copy.  For such a race to be
 * defined in C, all words are atomics with relaxed order, which compile to
 * plain loads and stores on common machines.  Two rules order them against the
 * version:
 *
 *   - A reader that has read a word of write v + 2, which goes into the same
 *     copy as write v, finds version v + 1 or later at its second look.  The
 *     writer has a release fence before it writes words, and the reader an
 *     acquire fence after it has read them.
 *   - A reader that has found version v sees all words of write v: the version
 *     is stored with release order and loaded with acquire order.
 */

#include <string.h>

#include "sss_board.h"
#include "sss_memory.h"


#define SSS_BOARD_FIRST  2
#define SSS_BOARD_TRIES  4

#define SSS_KEY_WORDS    (sizeof(sss_key_t) / sizeof(uint64_t))


typedef _Atomic uint64_t  sss_word_t;


_Static_assert(sizeof(sss_key_t) % sizeof(uint64_t) == 0,
               "a key is made of whole words");
_Static_assert(sizeof(sss_ring_t) == sizeof(sss_word_t),
               "a ring begins with one word");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2,
               "words are shared between processes");


static sss_word_t *sss_board_words(sss_board_t *board, uint64_t version);
static uint32_t sss_board_take(sss_board_t *board, uint64_t version,
    sss_ring_t *ring);
static void sss_board_publish(sss_board_t *board, const sss_ring_t *ring);


size_t
sss_board_size(uint32_t capacity)
{
    return sizeof(sss_board_t) + 2 * sss_ring_size(capacity);
}


void
sss_board_init(sss_board_t *board, uint32_t capacity)
{
    sss_word_t  *word;

    memset(board, 0, sizeof(sss_board_t));

    board->capacity = capacity;

    /* nobody reads keys beyond the number of keys, so they stay as they are */

    word = sss_board_words(board, SSS_BOARD_FIRST);
    atomic_store_explicit(word, 0, memory_order_relaxed);

    word = sss_board_words(board, SSS_BOARD_FIRST + 1);
    atomic_store_explicit(word, 0, memory_order_relaxed);

    atomic_store_explicit(&board->version, SSS_BOARD_FIRST,
                          memory_order_release);
}


uint64_t
sss_board_version(sss_board_t *board)
{
    return atomic_load_explicit(&board->version, memory_order_acquire);
}


uint64_t
sss_board_read(sss_board_t *board, sss_ring_t *ring)
{
    uint32_t  n, had;
    uint64_t  version;
    unsigned  tries;

    had = ring->n;

    for (tries = 0; tries < SSS_BOARD_TRIES; tries++) {
        version = sss_board_version(board);

        n = sss_board_take(board, version, ring);

        if (n > had) {
            had = n;
        }

        atomic_thread_fence(memory_order_acquire);

        if (atomic_load_explicit(&board->version, memory_order_relaxed)
            == version)
        {
            goto done;
        }
    }

    n = 0;
    version = 0;

done:

    sss_memory_wipe(&ring->keys[n], (had - n) * sizeof(sss_key_t));

    ring->n = n;

    return version;
}


void
sss_board_write(sss_board_t *board, const sss_ring_t *ring)
{
    /* twice, so that keys that have left the ring stay in neither copy */

    sss_board_publish(board, ring);
    sss_board_publish(board, ring);
}


static sss_word_t *
sss_board_words(sss_board_t *board, uint64_t version)
{
    char  *p;

    p = (char *) board + sizeof(sss_board_t);

    if (version & 1) {
        p += sss_ring_size(board->capacity);
    }

    return (sss_word_t *) (void *) p;
}


static uint32_t
sss_board_take(sss_board_t *board, uint64_t version, sss_ring_t *ring)
{
    size_t       i, k;
    uint64_t     n, key[SSS_KEY_WORDS];
    sss_word_t  *word;

    word = sss_board_words(board, version);

    n = atomic_load_explicit(word++, memory_order_relaxed);

    if (n > board->capacity) {
        n = board->capacity;
    }

    if (n > ring->capacity) {
        n = ring->capacity;
    }

    for (i = 0; i < n; i++) {

        for (k = 0; k < SSS_KEY_WORDS; k++) {
            key[k] = atomic_load_explicit(word++, memory_order_relaxed);
        }

        memcpy(&ring->keys[i], key, sizeof(sss_key_t));
    }

    sss_memory_wipe(key, sizeof(key));

    return (uint32_t) n;
}


static void
sss_board_publish(sss_board_t *board, const sss_ring_t *ring)
{
    size_t       i, k, n, dirty;
    uint64_t     version, key[SSS_KEY_WORDS];
    sss_word_t  *word, *number;

    version = atomic_load_explicit(&board->version, memory_order_relaxed) + 1;

    word = sss_board_words(board, version);
    number = word++;

    n = ring->n < board->capacity ? ring->n : board->capacity;

    /*
     * The number of keys that this copy may hold.  It is kept in the copy, so
     * that after a writer has died half-way the next one overwrites whatever
     * that one has left.
     */

    dirty = atomic_load_explicit(number, memory_order_relaxed);

    if (dirty > board->capacity) {
        dirty = board->capacity;
    }

    if (dirty < n) {
        dirty = n;
    }

    atomic_thread_fence(memory_order_release);

    atomic_store_explicit(number, dirty, memory_order_relaxed);

    for (i = 0; i < dirty; i++) {

        if (i < n) {
            memcpy(key, &ring->keys[i], sizeof(sss_key_t));

        } else if (i == n) {
            sss_memory_wipe(key, sizeof(key));
        }

        for (k = 0; k < SSS_KEY_WORDS; k++) {
            atomic_store_explicit(word++, key[k], memory_order_relaxed);
        }
    }

    sss_memory_wipe(key, sizeof(key));

    atomic_store_explicit(number, n, memory_order_relaxed);

    atomic_store_explicit(&board->version, version, memory_order_release);
}
