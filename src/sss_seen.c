
#include <string.h>

#include "sss_seen.h"


int
sss_seen_before(sss_seen_t *seen, const uint8_t *random)
{
    uint32_t  tag, *slot;

    memcpy(&tag, random, sizeof(tag));

    tag |= 1;           /* 0 is an empty slot */
    slot = &seen->slots[(random[4] << 8 | random[5]) % SSS_SEEN_SLOTS];

    if (*slot == tag) {
        return 1;
    }

    *slot = tag;

    return 0;
}
