
/*
 * The board: one ring in shared memory, read without a lock.
 *
 * There are two copies and a version; the version's lowest bit names the
 * copy to read.  A writer fills the other copy and then steps the version,
 * so that a reader which finds the version unchanged after copying has a
 * whole ring, and a writer that dies half-way has harmed nobody.
 *
 * Writers exclude each other by a lock of the caller's.
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


/* Bytes of a board for rings of "capacity" keys. */
size_t sss_board_size(uint32_t capacity);

/* Makes a board with an empty ring in sss_board_size(capacity) bytes. */
void sss_board_init(sss_board_t *board, uint32_t capacity);

/* The version, never 0: it changes whenever the ring does.  Never blocks. */
uint64_t sss_board_version(sss_board_t *board);

/*
 * Copies the ring out, over the keys in "ring", which has the capacity of the
 * board.  Returns its version, or 0 if writers overtook every one of a few
 * tries: "ring" is empty then, so read into a spare one.
 */
uint64_t sss_board_read(sss_board_t *board, sss_ring_t *ring);

/*
 * Publishes a ring of the same capacity, in both copies, one after the other,
 * so that a key which the ring forgot is nowhere on the board.  The caller
 * holds the writers' lock.
 */
void sss_board_write(sss_board_t *board, const sss_ring_t *ring);


#endif /* SSS_BOARD_H_INCLUDED */
