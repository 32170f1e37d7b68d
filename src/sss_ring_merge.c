
/*
 * The merging of rings.  Adding thousands of keys one by one means to search
 * the ring for each of their names.  For the largest rings that takes a
 * second, which is too long for an event loop.  So a hash table of the names
 * is made first, and then the two sorted lists are merged in one pass.
 */


#include <stdlib.h>
#include <string.h>

#include "sss_memory.h"
#include "sss_ring.h"


#define SSS_RING_FEW  8                 /* up to so many keys are added one by
                                           one                             */


/* The state of a merge. */

typedef struct {
    sss_ring_t        *ring;
    const sss_key_t  **fresh;           /* keys that are not in the ring   */
    uint32_t           n;               /* their number                    */
    const sss_key_t  **all;             /* room for these and the ring's keys,
                                           if they do not all fit into the
                                           ring                            */
    uint32_t          *table;           /* hash table by name.  0: empty; 1 to
                                           ring->n: index in the ring + 1;
                                           greater: the same in "fresh"    */
    uint32_t           mask;            /* size of the table - 1           */
} sss_merge_t;


static unsigned sss_ring_add_each(sss_ring_t *ring, const sss_key_t *keys,
    uint32_t n, uint64_t learned);
static int sss_merge_begin(sss_merge_t *m, sss_ring_t *ring, uint32_t n);
static void sss_merge_end(sss_merge_t *m);
static uint32_t *sss_merge_place(const sss_merge_t *m, const uint8_t *name);
static unsigned sss_merge_look(sss_merge_t *m, const sss_key_t *key,
    unsigned *again);
static void sss_merge_sort(sss_merge_t *m);
static int sss_merge_cmp(const void *a, const void *b);
static void sss_merge_fit(sss_merge_t *m);
static const sss_key_t *sss_merge_select(const sss_key_t **keys, uint32_t n,
    uint32_t k);
static void sss_merge_join(sss_merge_t *m, uint64_t learned);


unsigned
sss_ring_merge(sss_ring_t *dst, const sss_ring_t *src)
{
    return sss_ring_absorb(dst, src->keys, src->n, 0);
}


unsigned
sss_ring_learn(sss_ring_t *dst, const sss_ring_t *src, uint64_t now_ms)
{
    return sss_ring_absorb(dst, src->keys, src->n, now_ms);
}


unsigned
sss_ring_absorb(sss_ring_t *ring, const sss_key_t *keys, uint32_t n,
    uint64_t learned)
{
    uint32_t     i;
    unsigned     changed, again;
    sss_merge_t  m;

    if (n <= SSS_RING_FEW || sss_merge_begin(&m, ring, n) != 0) {
        return sss_ring_add_each(ring, keys, n, learned);
    }

    changed = 0;
    again = 0;

    for (i = 0; i < n; i++) {
        changed += sss_merge_look(&m, &keys[i], &again);
    }

    sss_merge_sort(&m);
    sss_merge_fit(&m);

    changed += m.n;

    sss_merge_join(&m, learned);
    sss_merge_end(&m);

    /*
     * "fresh" had a name twice, which no proper ring has.  Adding all keys
     * once more one by one takes the later "expires".
     */

    if (again) {
        changed += sss_ring_add_each(ring, keys, n, learned);
    }

    return changed;
}


static unsigned
sss_ring_add_each(sss_ring_t *ring, const sss_key_t *keys, uint32_t n,
    uint64_t learned)
{
    uint32_t   i;
    unsigned   changed;
    sss_key_t  key;

    changed = 0;

    for (i = 0; i < n; i++) {
        key = keys[i];

        if (learned != 0) {
            key.learned = learned;
        }

        changed += (unsigned) sss_ring_add(ring, &key);
    }

    sss_memory_wipe(&key, sizeof(sss_key_t));

    return changed;
}


static int
sss_merge_begin(sss_merge_t *m, sss_ring_t *ring, uint32_t n)
{
    int       fits;
    uint32_t  i, size;

    for (size = 16; size < 2 * (ring->n + n); size *= 2) { /* void */ }

    m->ring = ring;
    m->n = 0;
    m->mask = size - 1;
    m->fresh = malloc(n * sizeof(sss_key_t *));
    m->all = NULL;
    m->table = calloc(size, sizeof(uint32_t));

    fits = (ring->n + n <= ring->capacity);

    if (!fits) {
        m->all = malloc((ring->n + n) * sizeof(sss_key_t *));
    }

    if (m->fresh == NULL || m->table == NULL || (m->all == NULL && !fits)) {
        sss_merge_end(m);
        return -1;
    }

    for (i = 0; i < ring->n; i++) {
        *sss_merge_place(m, ring->keys[i].name) = i + 1;
    }

    return 0;
}


static void
sss_merge_end(sss_merge_t *m)
{
    free(m->fresh);
    free(m->all);
    free(m->table);
}


/*
 * The element of the table for a name: the one that has it, or an empty one.
 * Names are random, so their first bytes serve as the hash.
 */

static uint32_t *
sss_merge_place(const sss_merge_t *m, const uint8_t *name)
{
    uint32_t          i, k;
    const sss_key_t  *key;

    memcpy(&i, name, sizeof(i));

    for (i &= m->mask; ; i = (i + 1) & m->mask) {

        k = m->table[i];

        if (k == 0) {
            return &m->table[i];
        }

        key = k <= m->ring->n ? &m->ring->keys[k - 1]
                              : m->fresh[k - m->ring->n - 1];

        if (memcmp(key->name, name, SSS_KEY_NAME) == 0) {
            return &m->table[i];
        }
    }
}


/*
 * Looks a key up by its name.  If it is not in the ring it is added to
 * "fresh".  If it is, its "expires" is extended; returns 1 if that has changed
 * it, else 0.  Sets "*again" if the name is in "fresh" already.
 */

static unsigned
sss_merge_look(sss_merge_t *m, const sss_key_t *key, unsigned *again)
{
    uint32_t   *place;
    sss_key_t  *known;

    place = sss_merge_place(m, key->name);

    if (*place == 0) {
        m->fresh[m->n++] = key;
        *place = m->ring->n + m->n;
        return 0;
    }

    if (*place > m->ring->n) {
        *again = 1;
        return 0;
    }

    known = &m->ring->keys[*place - 1];

    if (!sss_key_renews(key, known)) {
        return 0;
    }

    known->expires = key->expires;

    return 1;
}


/* Sorts "fresh", unless its keys are in order, as those of a ring are. */

static void
sss_merge_sort(sss_merge_t *m)
{
    uint32_t  i;

    for (i = 1; i < m->n; i++) {

        if (sss_key_cmp(m->fresh[i - 1], m->fresh[i]) > 0) {
            qsort(m->fresh, m->n, sizeof(sss_key_t *), sss_merge_cmp);
            return;
        }
    }
}


static int
sss_merge_cmp(const void *a, const void *b)
{
    return sss_key_cmp(*(const sss_key_t *const *) a,
                       *(const sss_key_t *const *) b);
}


/*
 * If there are more keys than the ring has room for, drops those that expire
 * first, from the ring and from "fresh".
 */

static void
sss_merge_fit(sss_merge_t *m)
{
    uint32_t     i, n;
    sss_key_t    last;
    sss_ring_t  *ring;

    ring = m->ring;

    if (ring->n + m->n <= ring->capacity) {
        return;
    }

    if (ring->capacity == 0) {
        m->n = 0;
        return;
    }

    for (i = 0; i < ring->n; i++) {
        m->all[i] = &ring->keys[i];
    }

    if (m->n != 0) {
        memcpy(&m->all[ring->n], m->fresh, m->n * sizeof(sss_key_t *));
    }

    last = *sss_merge_select(m->all, ring->n + m->n, ring->capacity - 1);

    for (i = n = 0; i < m->n; i++) {
        if (!sss_key_outlives(&last, m->fresh[i])) {
            m->fresh[n++] = m->fresh[i];
        }
    }

    m->n = n;

    for (i = n = 0; i < ring->n; i++) {

        if (sss_key_outlives(&last, &ring->keys[i])) {
            continue;
        }

        if (n != i) {
            ring->keys[n] = ring->keys[i];
        }

        n++;
    }

    sss_memory_wipe(&ring->keys[n], (ring->n - n) * sizeof(sss_key_t));
    sss_memory_wipe(&last, sizeof(sss_key_t));

    ring->n = n;
}


/*
 * The key that would be at index "k" if the keys were sorted by
 * sss_key_outlives(): a quickselect, which reorders them.
 */

static const sss_key_t *
sss_merge_select(const sss_key_t **keys, uint32_t n, uint32_t k)
{
    uint32_t          i, low, high, kept;
    const sss_key_t  *pivot, *key;

    low = 0;
    high = n;

    while (high - low > 1) {

        pivot = keys[low + (high - low) / 2];
        keys[low + (high - low) / 2] = keys[high - 1];
        keys[high - 1] = pivot;

        for (i = kept = low; i < high - 1; i++) {

            if (sss_key_outlives(keys[i], pivot)) {
                key = keys[kept];
                keys[kept++] = keys[i];
                keys[i] = key;
            }
        }

        keys[high - 1] = keys[kept];
        keys[kept] = pivot;

        if (kept == k) {
            return pivot;
        }

        if (kept < k) {
            low = kept + 1;

        } else {
            high = kept;
        }
    }

    return keys[low];
}


/*
 * Merges the sorted keys of "fresh" into the ring.  It works from the end, so
 * that no key of the ring is overwritten before it has been moved.
 */

static void
sss_merge_join(sss_merge_t *m, uint64_t learned)
{
    uint32_t     i, j, k;
    sss_key_t   *key;
    sss_ring_t  *ring;

    ring = m->ring;
    i = ring->n;
    j = m->n;

    for (k = i + j; j > 0; k--) {

        key = &ring->keys[k - 1];

        if (i > 0 && sss_key_cmp(&ring->keys[i - 1], m->fresh[j - 1]) > 0) {
            *key = ring->keys[--i];
            continue;
        }

        *key = *m->fresh[--j];
        key->unused = 0;

        if (learned != 0) {
            key->learned = learned;
        }
    }

    ring->n += m->n;
}
