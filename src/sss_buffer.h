
/* Bytes that come at one end and go at the other. */


#ifndef SSS_BUFFER_H_INCLUDED
#define SSS_BUFFER_H_INCLUDED


#include <stddef.h>
#include <stdint.h>


typedef struct {
    uint8_t  *p;
    size_t    off;              /* bytes that went                         */
    size_t    end;              /* and where the others end                */
    size_t    size;
} sss_buffer_t;


static inline size_t
sss_buffer_len(const sss_buffer_t *buffer)
{
    return buffer->end - buffer->off;
}


/* Makes room for "n" more bytes.  Returns 0, or -1 without memory. */
int sss_buffer_reserve(sss_buffer_t *buffer, size_t n);

/* Likewise. */
int sss_buffer_add(sss_buffer_t *buffer, const void *p, size_t n);

/* "n" bytes went. */
void sss_buffer_drop(sss_buffer_t *buffer, size_t n);

void sss_buffer_free(sss_buffer_t *buffer);


#endif /* SSS_BUFFER_H_INCLUDED */
