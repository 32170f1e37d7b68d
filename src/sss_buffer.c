
#include <stdlib.h>
#include <string.h>

#include "sss_buffer.h"


#define SSS_BUFFER_SIZE  16384          /* bytes of the first allocation   */
#define SSS_BUFFER_KEEP  131072         /* an empty buffer that is larger is
                                           freed                           */


int
sss_buffer_reserve(sss_buffer_t *buffer, size_t n)
{
    size_t    len, size;
    uint8_t  *p;

    if (n <= buffer->size - buffer->end) {
        return 0;
    }

    len = sss_buffer_len(buffer);

    if (len != 0) {
        memmove(buffer->p, buffer->p + buffer->off, len);
    }

    buffer->off = 0;
    buffer->end = len;

    if (n <= buffer->size - len) {
        return 0;
    }

    size = buffer->size ? buffer->size : SSS_BUFFER_SIZE;

    while (n > size - len) {
        size *= 2;
    }

    p = realloc(buffer->p, size);
    if (p == NULL) {
        return -1;
    }

    buffer->p = p;
    buffer->size = size;

    return 0;
}


int
sss_buffer_add(sss_buffer_t *buffer, const void *p, size_t n)
{
    if (n == 0) {
        return 0;
    }

    if (sss_buffer_reserve(buffer, n) != 0) {
        return -1;
    }

    memcpy(buffer->p + buffer->end, p, n);
    buffer->end += n;

    return 0;
}


void
sss_buffer_drop(sss_buffer_t *buffer, size_t n)
{
    buffer->off += n;

    if (buffer->off == buffer->end) {
        buffer->off = 0;
        buffer->end = 0;

        if (buffer->size > SSS_BUFFER_KEEP) {
            sss_buffer_free(buffer);
        }
    }
}


void
sss_buffer_free(sss_buffer_t *buffer)
{
    free(buffer->p);
    memset(buffer, 0, sizeof(sss_buffer_t));
}
