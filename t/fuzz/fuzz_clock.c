
/*
 * The first byte is a number of cuts, that many bytes say how long the pieces
 * are, over and over; the rest is what a server answers to "stats".  It is
 * taken at once and in pieces, and read by other means.
 */

#include "fuzz.h"

#include "sss_clock.h"


static void check_pieces(const uint8_t *cuts, size_t n, const uint8_t *bytes,
    size_t size, const sss_clock_t *whole);
static void check_meaning(const uint8_t *bytes, size_t size,
    const sss_clock_t *clock);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t           cuts;
    sss_clock_t      clock;
    sss_clock_rc_t   rc;

    if (size == 0 || size <= 1 + (size_t) data[0]) {
        return 0;
    }

    cuts = data[0];

    data++;
    size--;

    memset(&clock, 0xa5, sizeof(clock));
    sss_clock_init(&clock);

    rc = sss_clock_feed(&clock, data + cuts, size - cuts);

    fuzz_check(rc == clock.rc);
    fuzz_check(clock.total <= size - cuts);
    fuzz_check(clock.total <= SSS_CLOCK_ANSWER);
    fuzz_check(clock.len <= SSS_CLOCK_LINE);
    fuzz_check((rc == SSS_CLOCK_FAILED) == (clock.reason != NULL));

    check_pieces(data, cuts, data + cuts, size - cuts, &clock);
    check_meaning(data + cuts, size - cuts, &clock);

    return 0;
}


static void
check_pieces(const uint8_t *cuts, size_t n, const uint8_t *bytes, size_t size,
    const sss_clock_t *whole)
{
    size_t       i, len;
    sss_clock_t  clock;

    sss_clock_init(&clock);

    for (i = 0; size != 0; i++) {

        len = n ? cuts[i % n] : 1;

        /* a piece of nothing at most once a round */

        if (len == 0 && i % n == 0) {
            len = 1;
        }

        if (len > size) {
            len = size;
        }

        fuzz_check(sss_clock_feed(&clock, bytes, len) == clock.rc);

        bytes += len;
        size -= len;
    }

    fuzz_check(clock.rc == whole->rc);
    fuzz_check(clock.reason == whole->reason);
    fuzz_check(clock.seconds == whole->seconds);
    fuzz_check(clock.total == whole->total);
    fuzz_check(clock.len == whole->len);
    fuzz_check(memcmp(clock.line, whole->line, clock.len) == 0);
}


/* Line by line: a time, once, and nothing but statistics before the end. */

static void
check_meaning(const uint8_t *bytes, size_t size, const sss_clock_t *clock)
{
    char         copy[SSS_CLOCK_LINE + 1];
    size_t       len;
    uint64_t     seconds;
    const void  *end;

    seconds = 0;

    while (clock->rc == SSS_CLOCK_DONE) {

        end = memchr(bytes, '\n', size);
        fuzz_check(end != NULL);

        len = (size_t) ((const uint8_t *) end - bytes) + 1;
        fuzz_check(len <= SSS_CLOCK_LINE);

        memcpy(copy, bytes, len);
        copy[len] = '\0';

        bytes += len;
        size -= len;

        if (strcmp(copy, "END\r\n") == 0) {
            fuzz_check(seconds != 0 && seconds == clock->seconds);
            return;
        }

        fuzz_check(strncmp(copy, "STAT ", 5) == 0);

        if (strncmp(copy, "STAT time ", 10) == 0) {
            fuzz_check(seconds == 0);
            fuzz_check(strspn(copy + 10, "0123456789") + 12 == len);
            fuzz_check(strcmp(copy + len - 2, "\r\n") == 0);
            seconds = strtoull(copy + 10, NULL, 10);
        }
    }

    fuzz_check(clock->rc != SSS_CLOCK_FAILED || clock->seconds == 0);
}
