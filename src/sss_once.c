
#include <string.h>

#include "sss_once.h"


typedef struct {
    uint64_t           until;           /* 0: it never was used            */
    uint8_t            hash[SSS_ONCE_HASH];
} sss_once_place_t;


struct sss_once_s {
    uint64_t           latest;          /* of all times that it was given  */
    size_t             mask;            /* of the first of some places     */
    sss_once_place_t   places[];
};


static size_t sss_once_rounded(size_t places);


size_t
sss_once_size(size_t places)
{
    return sizeof(sss_once_t)
           + sss_once_rounded(places) * sizeof(sss_once_place_t);
}


sss_once_t *
sss_once_init(void *memory, size_t places)
{
    sss_once_t  *once = memory;

    memset(once, 0, sss_once_size(places));

    once->mask = sss_once_rounded(places) - SSS_ONCE_WAYS;

    return once;
}


sss_once_rc_t
sss_once_take(sss_once_t *once, const uint8_t *hash, uint64_t now,
    uint64_t until)
{
    size_t             i;
    uint64_t           first;
    sss_once_place_t  *place, *spare;

    if (now + SSS_ONCE_BACK < once->latest) {
        return SSS_ONCE_TIME;
    }

    if (now > once->latest) {
        once->latest = now;
    }

    memcpy(&first, hash, sizeof(first));
    place = &once->places[(size_t) first & once->mask];
    spare = NULL;

    for (i = 0; i < SSS_ONCE_WAYS; i++, place++) {

        if (memcmp(place->hash, hash, SSS_ONCE_HASH) == 0
            && place->until != 0)
        {
            /* whose time is over may come back within what clocks may do */

            return SSS_ONCE_AGAIN;
        }

        if (place->until + SSS_ONCE_BACK < now) {
            spare = place;
        }
    }

    if (spare == NULL) {
        return SSS_ONCE_FULL;
    }

    spare->until = until;
    memcpy(spare->hash, hash, SSS_ONCE_HASH);

    return SSS_ONCE_TAKEN;
}


static size_t
sss_once_rounded(size_t places)
{
    size_t  n;

    for (n = SSS_ONCE_WAYS; n < places; n *= 2) { /* void */ }

    return n;
}
