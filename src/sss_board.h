
/*
 * The board: the key ring of a host in shared memory, which all workers read
 * without a lock.
 *
 * It has two copies of the ring and a version, whose lowest bit says which
 * copy is the current one.  A writer fills the other copy and then increments
 * the version.  A reader copies the current one and looks at the version
 * again: if it is unchanged, what it has copied is one complete ring.  A
 * writer that dies half-way leaves the current copy alone.
 *
 * The callers keep writers apart by a lock of their own.
 */


#ifndef SSS_BOARD_H_INCLUDED
#define SSS_BOARD_H_INCLUDED


#include <stdatomic.h>

#include "sss_ring.h"


typedef struct {
    _Atomic uint64_t  version;
    uint32_t          capacity;
    uint32_t          unused;
    /* two rings follow */
} sss_board_t;


/* The size in bytes of a board for rings of up to "capacity" keys. */
size_t sss_board_size(uint32_t capacity);

/*
 * Makes a board with an empty ring in sss_board_size(capacity) bytes of the
 * caller's.
 */
void sss_board_init(sss_board_t *board, uint32_t capacity);

/*
 * Returns the version of the ring, which is never 0.  It changes whenever the
 * ring does.  Never blocks.
 */
uint64_t sss_board_version(sss_board_t *board);

/*
 * Replaces the keys in "ring", which has the capacity of the board, with those
 * of the board.  Returns the version that was read.  Returns 0 if writers were
 * faster at each of a few attempts; "ring" is empty then, so a caller that
 * still needs its old keys reads into another ring.
 */
uint64_t sss_board_read(sss_board_t *board, sss_ring_t *ring);

/*
 * Publishes a ring of the same capacity.  Both copies are written, one after
 * the other, so that a key which is no longer in the ring is nowhere on the
 * board.  The caller holds the writers' lock.
 */
void sss_board_write(sss_board_t *board, const sss_ring_t *ring);


#endif /* SSS_BOARD_H_INCLUDED */
