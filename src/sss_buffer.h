
/*
 * A byte queue: bytes are added at the end and removed from the beginning.
 * One that is all zeros is empty and ready for use.
 */


#ifndef SSS_BUFFER_H_INCLUDED
#define SSS_BUFFER_H_INCLUDED


#include <stddef.h>
#include <stdint.h>


typedef struct {
    uint8_t  *p;
    size_t    off;              /* where the bytes in the queue begin      */
    size_t    end;              /* where they end                          */
    size_t    size;             /* allocated at "p"                        */
} sss_buffer_t;


static inline size_t
sss_buffer_len(const sss_buffer_t *buffer)
{
    return buffer->end - buffer->off;
}


/*
 * Makes room for "n" more bytes at buffer->p + buffer->end, where the caller
 * may write them and then increase "end".  Pointers into the buffer are no
 * longer valid.  Returns 0, or -1 without memory: the bytes that were in the
 * buffer are still there then.
 */
int sss_buffer_reserve(sss_buffer_t *buffer, size_t n);

/* Adds a copy of "n" bytes.  Returns 0, or -1 without memory. */
int sss_buffer_add(sss_buffer_t *buffer, const void *p, size_t n);

/*
 * Removes the first "n" bytes.  An empty buffer that has become large gives
 * its memory back.
 */
void sss_buffer_drop(sss_buffer_t *buffer, size_t n);

/* Frees the memory; the buffer is empty then, and may be used again. */
void sss_buffer_free(sss_buffer_t *buffer);


#endif /* SSS_BUFFER_H_INCLUDED */
