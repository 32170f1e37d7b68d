/*
 * How long the key of an epoch lives: three members of one group, with
 * crashes, joins and cuts of any length.  How hosts find each other is modelled
 * in groups.pml.
 *
 * A host may read any record that any host has ever written (follow), or none.
 * This includes cuts, lost writes, and an attacker who puts back old records.
 * A tick is an eighth of a rotation, in which every member polls once.
 *
 * The rule: no host keeps a key for longer than two rotations after the first
 * host has gone on to its epoch.  There are two runs: one with cuts and JOINS
 * joins, and CONNECTED, where each poll reads the newest record, with any
 * number of joins.  In this model a join takes up to a tick, by which the host
 * takes the epoch to be older than it is.  Endless joins while another host is
 * cut off are left out: each of them adds its own duration, which is seconds
 * in reality, to the two rotations.
 *
 * - When a host goes on by itself, the new epoch is as old as the old one was
 *   over one rotation.  When it follows a record, a rotation is subtracted for
 *   each epoch.  So hosts that do not see each other keep step.  Different
 *   values of key_rotation, and clocks of different speed, are left out.
 * - The age of an epoch that a host has joined is what the answer says plus
 *   all of the time since the request, so that delaying an answer does not
 *   make a key look younger.
 * - In a poll, a member goes on to the next epoch before it answers.
 *
 * "older" and "told" are epochs + 1, or 0 for none.  Epochs are counted from
 * the oldest one whose key any host has.
 */


#define HOSTS     3
#define ROTATION  8             /* ticks: an eighth of a rotation each */
#define MORE      1             /* the random eighth */
#define HALF      4
#define TWO       16            /* the greatest age of a key */
#define EPOCHS    4             /* most epochs at the same time */

#ifndef JOINS
#define JOINS     2
#endif

typedef Host {
    unsigned up : 1;
    unsigned epoch : 3;
    unsigned age : 5;
    unsigned older : 3;         /* the epoch before + 1, if it has its key */
    unsigned since : 3;         /* ticks since it has gone on */
    unsigned polled : 1;        /* in this tick */
    unsigned asks : 1;          /* it waits for an answer */
    unsigned asked : 2;         /* ticks since the request */
    unsigned told : 3;          /* the answer: epoch + 1 */
    unsigned aged : 5           /* the answer: age of the epoch */
};

Host H[HOSTS];
byte life[EPOCHS];

/* the newest epoch that any host has been in, from the base; hosts that have
 * the key of none are not "in" */

hidden byte j, k, low;
unsigned newest : 3;
unsigned joins : 3 = JOINS;

#define OLDEST(i)  (H[i].older != 0 -> H[i].older - 1 : H[i].epoch)
#define DONE(i)    (!H[i].up || H[i].polled)
#define ALL_DONE   (DONE(0) && DONE(1) && DONE(2))
#define MEMBER(i)  (H[i].up && !H[i].asks)

inline forget_host(i)
{
    H[i].epoch = 0;
    H[i].age = 0;
    H[i].older = 0;
    H[i].since = 0;
    H[i].polled = 0;
    H[i].asks = 0;
    H[i].asked = 0;
    H[i].told = 0;
    H[i].aged = 0
}

/* Into an epoch that is "by" epochs on. */

inline enter(i, by)
{
#ifndef BROKEN_KEEPS_KEY
    H[i].older = H[i].epoch + 1;
#else
    H[i].older = (H[i].older != 0 -> H[i].older : H[i].epoch + 1);
#endif
    H[i].since = 0;
    H[i].epoch = H[i].epoch + (by);
    assert(H[i].epoch < EPOCHS);
    if
    :: H[i].epoch > newest -> newest = H[i].epoch
    :: else
    fi;
}

inline follow(i, to)
{
#ifdef BROKEN_FOLLOWS_ANEW
    H[i].age = 0;
#else
    H[i].age = (H[i].age > ROTATION * (to - H[i].epoch) -> H[i].age - ROTATION * (to - H[i].epoch) : 0);
#endif
    enter(i, to - H[i].epoch)
}

inline move_on(i)
{
#ifdef BROKEN_COUNTS_ANEW
    H[i].age = 0;
#else
    H[i].age = H[i].age - ROTATION;
#endif
    enter(i, 1)
}

/* The end of a poll: what is too old is forgotten. */

inline end_poll(i)
{
    H[i].polled = 1;
#ifndef BROKEN_KEEPS_KEY
    if
    :: H[i].older != 0 && H[i].since >= HALF -> H[i].older = 0; H[i].since = 0
    :: else
    fi
#endif
}

inline answer(i, m)
{
    H[i].told = H[m].epoch + 1;
    H[i].aged = H[m].age
}

inline take(i)
{
    H[i].epoch = H[i].told - 1;
#ifdef BROKEN_AGE_OF_ANSWER
    H[i].age = H[i].aged;
#else
    H[i].age = H[i].aged + H[i].asked;
#endif
    H[i].polled = 0;
    H[i].asks = 0;
    H[i].asked = 0;
    H[i].told = 0;
    H[i].aged = 0
}

/* Time goes on by a tick; the epochs that nobody has the key of are over. */

#define HOLDS(i, e)  ((MEMBER(i) && OLDEST(i) <= e) || (H[i].asks && H[i].told != 0 && H[i].told - 1 <= e))
#define NEEDS(i)     (H[i].up && (!H[i].asks || H[i].told != 0))
#define LOWEST(i)    (H[i].asks -> H[i].told - 1 : OLDEST(i))

inline tick()
{
    low = newest;
    for (j : 0 .. HOSTS - 1) {
        H[j].polled = 0;
        if
        :: NEEDS(j) && LOWEST(j) < low -> low = LOWEST(j)
        :: else
        fi;
        if
        :: MEMBER(j) ->
            H[j].age++;
            if
            :: H[j].older != 0 && H[j].since < HALF -> H[j].since++
            :: else
            fi
        :: else
        fi;
        if
        :: H[j].asks -> H[j].asked++
        :: else
        fi
    }
    /* no key outlives two rotations */
    for (j : 0 .. EPOCHS - 1) {
        if
        :: j >= low && j <= newest ->
            life[j]++;
            assert(life[j] <= TWO)
        :: else
        fi
    }
    /* numbers begin at the oldest */
    for (j : 0 .. EPOCHS - 1) {
        if
        :: j + low <= newest -> life[j] = life[j + low]
        :: else -> life[j] = 0
        fi
    }
    for (j : 0 .. HOSTS - 1) {
        if
        :: MEMBER(j) ->
            H[j].epoch = H[j].epoch - low;
            if
            :: H[j].older != 0 -> H[j].older = H[j].older - low
            :: else
            fi
        :: H[j].asks && H[j].told != 0 -> H[j].told = H[j].told - low
        :: else
        fi
    }
    newest = newest - low;
    low = 0;
    j = 0
}

#define SHOW_HOST(i)  printf("%d%d epoch %d age %d older %d.%d told %d.%d| ", H[i].up, H[i].asks, H[i].epoch, H[i].age, H[i].older, H[i].since, H[i].told, H[i].aged)
#define SHOW  SHOW_HOST(0); SHOW_HOST(1); SHOW_HOST(2); printf("newest %d life %d %d\n", newest, life[0], life[1])

#ifdef CONNECTED
#define HAS_FOLLOWED(i)  (H[i].epoch == newest)
#define JOINED           skip
#else
#define HAS_FOLLOWED(i)  true
#define JOINED           joins--
#endif

#define STEPS(i) \
    :: d_step { MEMBER(i) && !H[i].polled && H[i].epoch + 1 <= newest -> follow(i, H[i].epoch + 1); SHOW } \
    :: d_step { MEMBER(i) && !H[i].polled && H[i].epoch + 2 <= newest -> follow(i, H[i].epoch + 2); SHOW } \
    :: d_step { MEMBER(i) && !H[i].polled && H[i].age >= ROTATION -> move_on(i); SHOW } \
    :: d_step { MEMBER(i) && !H[i].polled && H[i].age < ROTATION + MORE && HAS_FOLLOWED(i) -> end_poll(i); SHOW } \
    :: d_step { H[i].up -> H[i].up = 0; forget_host(i); SHOW } \
    :: d_step { !H[i].up && joins != 0 -> JOINED; H[i].up = 1; H[i].asks = 1; H[i].polled = 1; SHOW } \
    :: d_step { H[i].asks && H[i].told != 0 && H[i].asked <= 1 -> take(i); SHOW } \
    :: d_step { H[i].asks && H[i].asked > 1 -> forget_host(i); H[i].up = 0; SHOW } \
    ANSWERS(i, (i + 1) % HOSTS) \
    ANSWERS(i, (i + 2) % HOSTS)

#define ANSWERS(i, m) \
    :: d_step { H[i].asks && H[i].told == 0 && MEMBER(m) && H[m].polled -> answer(i, m); SHOW }

active proctype fleet()
{
    d_step { H[0].up = 1; H[1].up = 1; H[2].up = 1 };
    do
    STEPS(0)
    STEPS(1)
    STEPS(2)
    :: d_step { ALL_DONE && (NEEDS(0) || NEEDS(1) || NEEDS(2)) && !(H[0].asks && H[0].asked > 1) && !(H[1].asks && H[1].asked > 1) && !(H[2].asks && H[2].asked > 1) -> tick(); SHOW }
    :: !H[0].up && !H[1].up && !H[2].up -> break
    od
}
