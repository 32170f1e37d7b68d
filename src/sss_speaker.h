
/*
 * The speaker: a thread that polls memcached for an event loop.
 *
 * The event loop submits the ring of its host; the thread polls and makes a
 * file descriptor readable; the event loop takes the result.  One poll at a
 * time.  No call here ever blocks, but for sss_speaker_stop() within its
 * bound.  The thread blocks all signals.
 */


#ifndef SSS_SPEAKER_H_INCLUDED
#define SSS_SPEAKER_H_INCLUDED


#include "sss_sync.h"


typedef struct sss_speaker_s  sss_speaker_t;


/* Starts the thread.  Returns NULL without memory, descriptors or threads. */
sss_speaker_t *sss_speaker_start(const sss_sync_conf_t *conf);

/* Readable (an eventfd, non-blocking, close-on-exec) when a poll is done. */
int sss_speaker_fd(const sss_speaker_t *speaker);

/*
 * Begins a poll with a copy of "ring".  Returns 0, or -1 if the last one is
 * still under way or its result has not been taken.
 */
int sss_speaker_submit(sss_speaker_t *speaker, const sss_ring_t *ring);

/*
 * Takes the result, if there is one, and resets the descriptor: the ring goes
 * into "ring", the report into "report".  Returns 1 for a result, 0 for none.
 */
int sss_speaker_take(sss_speaker_t *speaker, sss_ring_t *ring,
    sss_sync_report_t *report);

/*
 * Ends the thread and frees everything.  A thread that is still inside a poll
 * after "wait_ms" is abandoned: it ends, and frees its memory, when the poll
 * is over.  The servers and secrets of its configuration must outlive that.
 * Returns 1 if it ended, 0 if it was abandoned.
 */
int sss_speaker_stop(sss_speaker_t *speaker, unsigned wait_ms);


#endif /* SSS_SPEAKER_H_INCLUDED */
