/*
 * How hosts find, join and leave groups: three hosts and two servers, in every
 * order of events that a number of faults allows.  tools/run-spin says which
 * faults these are, and which variants must fail.  The lifetime of an epoch's
 * key is modelled in epochs.pml.
 *
 * A step of the model is a step of a poll: a read of one server (read_server),
 * the decision when both have been read (judge, plan), founding a group, a
 * write to one server (write_server), or looking for an answer between polls
 * (join).  Between any two steps of a host the others may do theirs.  H is what
 * a host has in its zone, V what it knows of a server in the poll under way, S
 * what a server stores.
 *
 * - Compare-and-swap: V.fresh is set by a read, and cleared as soon as any host
 *   writes that record.
 * - A key (STEK) is a bit; each host makes one in each generation.  Bits 0 to 2
 *   are those of the lower generation, 3 to 5 those of the higher one.
 * - A group is a number, and the smaller one wins.  A new group gets any number
 *   among those that some host still knows, since clocks differ.  Generations
 *   have separate numbers, as no host knows groups of both.
 * - Time: in a round every host polls once, in any order.  So between two polls
 *   of a host another one polls up to twice, or not at all.  A host that has
 *   waited for two rounds, less than in the code, reads its slots once more and
 *   then gives up.
 * - Faults, at any step while some are left: a host dies (and starts again at
 *   any time, with the lower generation in its configuration); a server is cut
 *   off from a host, or loses everything; a write is lost, or arrives later if
 *   the record has not changed until then; a host misses a poll; the generation
 *   is raised.  A write of which only the answer is lost counts as a write.
 * - The attacker owns server 1: it puts back a record that it has kept, or
 *   forges a label, a request or an answer.  For the host that waits, an answer
 *   to an older request is like a forged one: it does not open.
 *
 * The rules:
 * (a) Some rounds after the last fault ("over") all hosts are SETTLED: those
 *     that share a server are in one group, with the same keys, and the server
 *     has these keys.  Since the number of rounds is bounded, hosts cannot go
 *     in circles either.
 * (b) The keys of all hosts that are up are among them then, and no host ever
 *     writes a record of its group without a key that the record had (put).
 * (c) A host of the higher generation has no key of the lower one.
 * (d) A host that joins was answered by a member; no member answers a stranger;
 *     no host takes over a generation that is in no host's configuration.
 *
 * Left out, and why that is sound:
 * - Slots: each host has its own on each server.  Who finds all slots taken
 *   waits, and its patience begins when its request is there, or there again.
 *   How often it looks does not matter: a round is as long as that takes.
 *   That strangers fill all slots for good, as an attacker can, delays joining
 *   without end; the model says nothing about it.
 * - A host writes record, request and answers to a server in one step: they
 *   are different items, and no host decides by two of one server.
 * - A request or answer that arrives late is like one of a slow host.
 * - Events that only one host can see (that it was cut off while it did nothing,
 *   or that it misses a poll) happen at one moment of the round, not at each.
 * - Hosts are interchangeable, and so are servers: after each round they are
 *   sorted.
 */


#define HOSTS    3
#define SERVERS  2
#define GROUPS   7              /* most groups at the same time */
#define PATIENCE 3              /* two rounds, as "waited" counts from 1 on */
#define DEADTIME 2              /* rounds for which a group counts as dead */

/* The number of faults, of the attacker's tricks, and of rounds to settle. */

#ifndef FAULTS
#define FAULTS 1
#endif
#ifndef TRICKS
#define TRICKS 0
#endif
#ifndef CALM
#define CALM 12
#endif

#define READING  0
#define FOUNDING 1
#define WRITING  2

typedef Host {
    unsigned up : 1;
    unsigned gen : 1;           /* 0 or 1: the lower or higher generation */
    unsigned group : 3;         /* that it is a member of, or 0 */
    unsigned ring : 6;          /* its keys, as bits */
    unsigned wait : 3;          /* the group that it wants to join, or 0 */
    unsigned waited : 2;        /* rounds since its request was written, + 1 */
    unsigned dead : 3;          /* the group that it takes for dead, or 0 */
    unsigned deadfor : 2;       /* how many more rounds it does so */
    unsigned stage : 2;         /* the next part of its poll */
    unsigned polled : 1         /* in this round */
};

typedef View {
    unsigned cut : 1;           /* the host does not reach the server */
    unsigned read : 1;          /* read in this poll, or failed */
    unsigned got : 1;           /* there was an answer */
    unsigned fresh : 1;         /* compare-and-swap would succeed */
    unsigned gen : 1;           /* of the label that was read, until judge */
    unsigned group : 3;
    unsigned ring : 6;          /* the keys in it, if they could be opened */
    unsigned write : 1;         /* the ring is to be written */
    unsigned ask : 1;           /* a request is to be written */
    unsigned asks : 3           /* requests of these hosts are to be answered */
};

typedef Server {
    unsigned gen : 1;
    unsigned group : 3;
    unsigned ring : 6;
    unsigned requests : 3;      /* requests of these hosts, for "wait" */
    unsigned answers : 3;       /* answers to these hosts */
    unsigned forged : 1;        /* the record is forged */
    unsigned fakes : 3;         /* which of "answers" are forged */
    unsigned spies : 1          /* there is a forged request */
};

typedef Late {
    unsigned pending : 1;
    unsigned server : 1;
    unsigned gen : 1;
    unsigned group : 3;
    unsigned ring : 6
};

Host H[HOSTS];
View V[6];
Server S[SERVERS];
Late late;                      /* a write that arrives later */
Late old;                       /* a record that the attacker has kept */

unsigned faults : 3 = FAULTS;
unsigned tricks : 2 = TRICKS;
bit over;
bit leaked;
bit raised;
unsigned calm : 5;

hidden byte best, j, k, g, highest;
hidden byte found;
hidden byte t;
hidden byte founds;

#define VIEW(i, s)   V[(i) * SERVERS + (s)]
#define BIT(i)       (1 << (i))
#define OWN(i)       (BIT(i) << (3 * H[i].gen))
#define IDLE(i)      (H[i].stage == READING && !VIEW(i, 0).read && !VIEW(i, 1).read)

/* of the own generation and a group that wins over "than" */
#define LABEL(i, s)  (VIEW(i, s).got && VIEW(i, s).group != 0 && VIEW(i, s).gen == H[i].gen)

#ifdef BROKEN_WAITING_OVERWRITES
#define LOSES_TO(i, s)  false
#else
#define LOSES_TO(i, s)  (LABEL(i, s) && VIEW(i, s).group != H[i].dead && VIEW(i, s).group < H[i].group)
#endif
#ifdef BROKEN_NO_CAS
#define UNCHANGED(i, s)  true
#else
#define UNCHANGED(i, s)  VIEW(i, s).fresh
#endif

#ifdef BROKEN_LABEL_UNCHECKED
#define GROUP(s)     S[s].group
#else
#define GROUP(s)     (S[s].forged -> 0 : S[s].group)
#endif
#ifdef BROKEN_ANSWER_UNCHECKED
#define ANSWERS(s)   S[s].answers
#else
#define ANSWERS(s)   (S[s].answers & ~S[s].fakes)
#endif
#ifdef BROKEN_REQUEST_UNCHECKED
#define TELLS(i, s)  (S[s].spies && H[i].group != 0)
#else
#define TELLS(i, s)  false
#endif

#define SAME(i, s)   (GROUP(s) == H[i].group && S[s].gen == H[i].gen)

inline stop_waiting(i)
{
    H[i].wait = 0;
    H[i].waited = 0;
    for (k : 0 .. SERVERS - 1) {
        S[k].requests = S[k].requests & ~BIT(i);
        S[k].answers = S[k].answers & ~BIT(i);
        S[k].fakes = S[k].fakes & ~BIT(i);
        VIEW(i, k).ask = 0;
    }
    for (k : 0 .. 5) {
        V[k].asks = V[k].asks & ~BIT(i);
    }
    k = 0;
}

inline end_poll(i)
{
    H[i].stage = READING;
    H[i].polled = 1;
    for (k : 0 .. SERVERS - 1) {
        VIEW(i, k).read = 0;
        VIEW(i, k).got = 0;
        VIEW(i, k).fresh = 0;
        VIEW(i, k).gen = 0;
        VIEW(i, k).group = 0;
        VIEW(i, k).ring = 0;
        VIEW(i, k).write = 0;
        VIEW(i, k).ask = 0;
        VIEW(i, k).asks = 0;
    }
    k = 0;
}

inline take_generation(i, to)
{
    assert(raised);
    H[i].gen = to;
    H[i].group = 0;
    H[i].dead = 0;
    H[i].deadfor = 0;
#ifdef BROKEN_KEEPS_KEYS
    H[i].ring = H[i].ring | OWN(i);
#else
    H[i].ring = OWN(i);
#endif
    stop_waiting(i);
}

/* Group ids become 1, 2, ... */

#define USES(x)  (H[0].group == x || H[1].group == x || H[2].group == x || \
            H[0].wait == x || H[1].wait == x || H[2].wait == x || \
            H[0].dead == x || H[1].dead == x || H[2].dead == x || \
            V[0].group == x || V[1].group == x || V[2].group == x || \
            V[3].group == x || V[4].group == x || V[5].group == x || \
            S[0].group == x || S[1].group == x || late.group == x || old.group == x)

inline shift1(ref, from, by)
{
    if
    :: ref >= from -> ref = ref + by
    :: else
    fi
}

inline shift(from, by)
{
    for (k : 0 .. HOSTS - 1) {
        shift1(H[k].group, from, by);
        shift1(H[k].wait, from, by);
        shift1(H[k].dead, from, by);
    }
    for (k : 0 .. 5) {
        shift1(V[k].group, from, by);
    }
    shift1(S[0].group, from, by);
    shift1(S[1].group, from, by);
    shift1(late.group, from, by);
    shift1(old.group, from, by);
    k = 0;
}

inline compact()
{
    g = GROUPS;
    do
    :: g > 0 ->
        if
        :: !(USES(g)) -> shift(g + 1, -1)
        :: else
        fi;
        g--
    :: else -> break
    od;
    g = 0
}

inline count_groups()
{
    g = 0;
    do
    :: g < GROUPS && (USES(g + 1)) -> g++
    :: else -> break
    od
}

/* Hosts are alike, and servers are: one order of each stands for all. */

#define EXCHANGED(x, a, b) \
    ((x) ^ (((((x) >> (a)) ^ ((x) >> (b))) & 1) * (BIT(a) | BIT(b))))

inline exchange(x, y)
{
    t = x;
    x = y;
    y = t
}

inline exchange_bits(x, a, b)
{
    x = EXCHANGED(x, a, b)
}

inline exchange_keys(x, a, b)
{
    x = EXCHANGED(x, a, b);
    x = EXCHANGED(x, a + 3, b + 3)
}

inline exchange_hosts(a, b)
{
    exchange(H[a].up, H[b].up);
    exchange(H[a].gen, H[b].gen);
    exchange(H[a].group, H[b].group);
    exchange(H[a].ring, H[b].ring);
    exchange(H[a].wait, H[b].wait);
    exchange(H[a].waited, H[b].waited);
    exchange(H[a].dead, H[b].dead);
    exchange(H[a].deadfor, H[b].deadfor);
    for (k : 0 .. SERVERS - 1) {
        exchange(VIEW(a, k).cut, VIEW(b, k).cut);
        exchange_bits(S[k].requests, a, b);
        exchange_bits(S[k].answers, a, b);
        exchange_bits(S[k].fakes, a, b);
        exchange_keys(S[k].ring, a, b)
    }
    for (k : 0 .. HOSTS - 1) {
        exchange_keys(H[k].ring, a, b)
    }
    exchange_keys(late.ring, a, b);
    exchange_keys(old.ring, a, b);
    k = 0;
    t = 0
}

inline exchange_servers()
{
    exchange(S[0].gen, S[1].gen);
    exchange(S[0].group, S[1].group);
    exchange(S[0].ring, S[1].ring);
    exchange(S[0].requests, S[1].requests);
    exchange(S[0].answers, S[1].answers);
    for (k : 0 .. HOSTS - 1) {
        exchange(VIEW(k, 0).cut, VIEW(k, 1).cut)
    }
    if
    :: late.pending -> late.server = 1 - late.server
    :: else
    fi;
    k = 0;
    t = 0
}

#define OWNBITS(x, i)  ((((x) >> (i)) & 1) + 2 * (((x) >> ((i) + 3)) & 1))

#define HOST_ORDER(i) \
    (H[i].up | H[i].gen << 1 | H[i].group << 2 | H[i].wait << 5 | H[i].waited << 8 | H[i].dead << 10 | \
     H[i].deadfor << 13 | VIEW(i, 0).cut << 15 | VIEW(i, 1).cut << 16 | \
     ((S[0].requests >> i) & 1) << 17 | ((S[0].answers >> i) & 1) << 18 | \
     ((S[1].requests >> i) & 1) << 19 | ((S[1].answers >> i) & 1) << 20 | \
     OWNBITS(S[0].ring, i) << 21 | OWNBITS(S[1].ring, i) << 23 | OWNBITS(late.ring, i) << 25)

#define SERVER_ORDER(s) \
    (S[s].gen | S[s].group << 1 | VIEW(0, s).cut + VIEW(1, s).cut + VIEW(2, s).cut << 4 | (S[s].requests != 0) << 6 | (S[s].answers != 0) << 7)

inline sort_hosts(a, b)
{
    if
    :: HOST_ORDER(a) < HOST_ORDER(b) -> exchange_hosts(a, b)
    :: else
    fi
}

inline sort()
{
    if
    :: TRICKS == 0 && SERVER_ORDER(0) < SERVER_ORDER(1) -> exchange_servers()
    :: else
    fi;
    sort_hosts(0, 1);
    sort_hosts(1, 2);
    sort_hosts(0, 1);
    t = 0
}

inline find_best(i)
{
    best = H[i].group;
    for (j : 0 .. SERVERS - 1) {
        if
        :: LABEL(i, j) && VIEW(i, j).group != H[i].dead &&
            (best == 0 || VIEW(i, j).group < best) ->
            best = VIEW(i, j).group
        :: else
        fi
    }
    j = 0
}

/* what is to be done at each server */

inline plan(i)
{
    found = 0;
    for (j : 0 .. SERVERS - 1) {
        if
        :: LABEL(i, j) && VIEW(i, j).group == H[i].wait && H[i].wait != 0 ->
            VIEW(i, j).ask = ((S[j].requests | ANSWERS(j)) & BIT(i)) == 0
        :: else
        fi;
        if
        :: VIEW(i, j).got && H[i].group != 0 && !LOSES_TO(i, j) ->
            VIEW(i, j).write = !(LABEL(i, j) && VIEW(i, j).group == H[i].group &&
            (H[i].ring & ~VIEW(i, j).ring) == 0)
        :: else
        fi;
        for (k : 0 .. HOSTS - 1) {
            if
            :: (VIEW(i, j).asks & BIT(k)) && !(H[i].group != 0 && H[k].wait == H[i].group && H[k].gen == H[i].gen) ->
                VIEW(i, j).asks = VIEW(i, j).asks & ~BIT(k)
            :: else
            fi
        }
        VIEW(i, j).got = 0;
        VIEW(i, j).gen = 0;
        VIEW(i, j).group = 0;
        VIEW(i, j).ring = 0;
        found = found || VIEW(i, j).ask || VIEW(i, j).write || VIEW(i, j).asks != 0;
        if
        :: !VIEW(i, j).write -> VIEW(i, j).fresh = 0
        :: else
        fi
    }
    j = 0;
    k = 0;
    if
    :: found -> H[i].stage = WRITING
    :: else -> end_poll(i)
    fi;
    found = 0
}

inline judge(i)
{
    founds = 0;
    /* generation */
    for (j : 0 .. SERVERS - 1) {
        if
        :: VIEW(i, j).got && VIEW(i, j).group != 0 && VIEW(i, j).gen > H[i].gen ->
#ifdef BROKEN_IGNORES_GENERATION
            skip
#else
            take_generation(i, 1)
#endif
        :: else
        fi
    }
    /* follow */
    for (j : 0 .. SERVERS - 1) {
        if
        :: LABEL(i, j) && VIEW(i, j).group == H[i].group ->
            H[i].ring = H[i].ring | VIEW(i, j).ring
        :: else
        fi
    }
    j = 0;
    find_best(i);
    if
    :: H[i].wait != 0 && H[i].wait != best -> stop_waiting(i)
    :: else
    fi;
#ifndef BROKEN_NEVER_GIVES_UP
    if
    :: H[i].waited == PATIENCE &&
            !(!VIEW(i, 0).cut && (ANSWERS(0) & BIT(i))) &&
            !(!VIEW(i, 1).cut && (ANSWERS(1) & BIT(i))) ->
        H[i].dead = H[i].wait;
        H[i].deadfor = DEADTIME;
        stop_waiting(i);
#ifndef BROKEN_FOUNDS_LATE
        founds = 1;
#endif
        find_best(i)
    :: else
    fi;
#endif
    if
    :: H[i].group == 0 && (best == 0 || founds) -> H[i].stage = FOUNDING
    :: else ->
        if
        :: best != H[i].group -> H[i].wait = best
        :: else
        fi;
        plan(i)
    fi;
    best = 0;
    founds = 0
}

inline read_server(i, s)
{
    VIEW(i, s).read = 1;
    if
    :: !VIEW(i, s).cut ->
        VIEW(i, s).got = 1;
        VIEW(i, s).fresh = 1;
        VIEW(i, s).gen = S[s].gen;
        VIEW(i, s).group = GROUP(s);
        leaked = TELLS(i, s);
        assert(!leaked);
        VIEW(i, s).asks = S[s].requests & ~BIT(i);
        if
        :: SAME(i, s) -> VIEW(i, s).ring = S[s].ring
        :: else
        fi
    :: else
    fi;
    if
    :: VIEW(i, 1 - s).cut -> VIEW(i, 1 - s).read = 1
    :: else
    fi;
    if
    :: VIEW(i, 1 - s).read -> judge(i)
    :: else
    fi
}

inline changed(s)
{
    for (k : 0 .. HOSTS - 1) {
        VIEW(k, s).fresh = 0
    }
    k = 0;
    if
    :: late.pending && late.server == s ->
        late.pending = 0; late.server = 0; late.gen = 0; late.group = 0; late.ring = 0
    :: else
    fi
}

inline put(s, new_gen, new_group, new_ring)
{
    assert(!(GROUP(s) == new_group && S[s].gen == new_gen) || (S[s].ring & ~(new_ring)) == 0);
    S[s].gen = new_gen;
    S[s].group = new_group;
    S[s].ring = new_ring;
    S[s].forged = 0;
    changed(s)
}

/* one request with the ring, the request at the door and answers */

inline write_server(i, s)
{
    if
    :: VIEW(i, s).cut ->
        VIEW(i, s).ask = 0;
        VIEW(i, s).asks = 0
    :: else
    fi;
    if
    :: VIEW(i, s).write && H[i].group != 0 && !VIEW(i, s).cut ->
        if
        :: UNCHANGED(i, s) ->
            put(s, H[i].gen, H[i].group, H[i].ring);
            VIEW(i, s).write = 0
        :: else ->
            /* a conflict: it is read again */
            if
            :: GROUP(s) == 0 || S[s].gen < H[i].gen ->
                VIEW(i, s).fresh = 1
            :: GROUP(s) != 0 && S[s].gen > H[i].gen ->
                take_generation(i, 1);
                VIEW(i, 0).write = 0;
                VIEW(i, 1).write = 0;
            :: GROUP(s) != 0 && S[s].gen == H[i].gen ->
                if
                :: GROUP(s) == H[i].group ->
                    H[i].ring = H[i].ring | S[s].ring;
                    if
                    :: S[s].ring == H[i].ring -> VIEW(i, s).write = 0
                    :: else -> VIEW(i, s).fresh = 1
                    fi
                :: GROUP(s) < H[i].group && GROUP(s) != H[i].dead ->
                    VIEW(i, s).write = 0
                :: else -> VIEW(i, s).fresh = 1
                fi
            fi
        fi
    :: else -> VIEW(i, s).write = 0
    fi;
    if
    :: VIEW(i, s).ask ->
        S[s].requests = S[s].requests | BIT(i);
        S[s].answers = S[s].answers & ~BIT(i);
        S[s].fakes = S[s].fakes & ~BIT(i);
        VIEW(i, s).ask = 0;
        if
        :: H[i].waited == 0 -> H[i].waited = 1
        :: else
        fi
    :: else
    fi;
    for (j : 0 .. HOSTS - 1) {
        if
        :: (VIEW(i, s).asks & BIT(j)) && H[i].group != 0 && H[j].wait == H[i].group && H[j].gen == H[i].gen ->
            S[s].requests = S[s].requests & ~BIT(j);
            S[s].answers = S[s].answers | BIT(j);
            for (k : 0 .. HOSTS - 1) {
                VIEW(k, s).asks = VIEW(k, s).asks & ~BIT(j)
            }
        :: else
        fi
    }
    VIEW(i, s).asks = 0;
    j = 0;
    k = 0;
    poll_goes_on(i)
}

inline poll_goes_on(i)
{
    if
    :: VIEW(i, 0).write || VIEW(i, 0).ask || VIEW(i, 0).asks ||
            VIEW(i, 1).write || VIEW(i, 1).ask || VIEW(i, 1).asks
    :: else -> end_poll(i)
    fi
}

inline join(i)
{
    /* a member has answered, and nobody else */
    assert(((S[0].answers & ~S[0].fakes) | (S[1].answers & ~S[1].fakes)) & BIT(i));
    H[i].group = H[i].wait;
#ifdef BROKEN_DROPS_KEYS
    H[i].ring = 0;
#endif
#ifdef BROKEN_WRITES_UNREAD
    for (j : 0 .. SERVERS - 1) {
        if
        :: !VIEW(i, j).cut && (ANSWERS(j) & BIT(i)) && S[j].group == H[i].group ->
            put(j, H[i].gen, H[i].group, H[i].ring)
        :: else
        fi
    }
    j = 0;
#endif
    stop_waiting(i)
}

/* A process tree begins, or ends. */

inline start(i)
{
    H[i].up = 1;
    H[i].ring = OWN(i)
}

inline crash(i)
{
    end_poll(i);
    stop_waiting(i);
    H[i].up = 0;
    H[i].gen = 0;
    H[i].group = 0;
    H[i].ring = 0;
    H[i].dead = 0;
    H[i].deadfor = 0;
    H[i].polled = 0
}

inline flush(s)
{
    S[s].gen = 0;
    S[s].group = 0;
    S[s].ring = 0;
    S[s].requests = 0;
    S[s].answers = 0;
    S[s].forged = 0;
    S[s].fakes = 0;
    S[s].spies = 0;
    for (j : 0 .. HOSTS - 1) {
        VIEW(j, s).asks = 0
    }
    j = 0;
    changed(s)
}

#define AGREES(i, s)  (!H[i].up || VIEW(i, s).cut || (SAME(i, s) && H[i].group != 0 && \
            H[i].ring == S[s].ring && H[i].wait == 0))
#define SETTLED  (AGREES(0, 0) && AGREES(0, 1) && AGREES(1, 0) && AGREES(1, 1) && \
            AGREES(2, 0) && AGREES(2, 1))
#define KEEPS(i)  (!H[i].up || (H[i].ring & OWN(i)))
#define ONLY_NEW(i)  (H[i].gen == 0 || (H[i].ring & 7) == 0)

inline tick()
{
    for (j : 0 .. HOSTS - 1) {
        H[j].polled = 0;
        if
        :: H[j].waited != 0 && H[j].waited < PATIENCE -> H[j].waited = H[j].waited + 1
        :: else
        fi;
#ifndef BROKEN_GIVES_UP_FOREVER
        if
        :: H[j].deadfor > 1 -> H[j].deadfor = H[j].deadfor - 1
        :: H[j].deadfor == 1 -> H[j].deadfor = 0; H[j].dead = 0
        :: else
        fi
#endif
    }
    j = 0;
    compact();
    sort()
}

#define SHOW_HOST(i)  printf("%d%d:g%d r%o w%d.%d d%d.%d p%d| ", H[i].up, H[i].gen + 1, H[i].group, H[i].ring, H[i].wait, H[i].waited, H[i].dead, H[i].deadfor, H[i].polled)
#define SHOW_SERVER(s)  printf("S%d:%d g%d r%o q%o a%o| ", s, S[s].gen + 1, S[s].group, S[s].ring, S[s].requests, S[s].answers)
#define SHOW(what, i, s)  printf("%e %d %d > ", what, i, s); SHOW_HOST(0); SHOW_HOST(1); SHOW_HOST(2); SHOW_SERVER(0); SHOW_SERVER(1); printf("\n")

mtype = { eSTART, eREAD, eFOUND, eWRITE, eJOIN, eCRASH, eRAISE, eSKIP, eCUT, eHEAL, eLOSE, eDELAY, eFLUSH, eLAND, eTICK, eOVER, eNOTHING, eKEEP, ePUTBACK, eFORGE, eSPY, eFAKE };

#define BUSY(i)  (VIEW(i, 0).write || VIEW(i, 0).ask || VIEW(i, 0).asks || VIEW(i, 1).write || VIEW(i, 1).ask || VIEW(i, 1).asks)
#define ANSWERED(i)  ((!VIEW(i, 0).cut && (ANSWERS(0) & BIT(i))) || (!VIEW(i, 1).cut && (ANSWERS(1) & BIT(i))))
#define DONE(i)  (!H[i].up || (H[i].polled && !ANSWERED(i)))
#define ALL_DONE (DONE(0) && DONE(1) && DONE(2))

#define STEPS(i) \
    :: d_step { !over && !H[i].up -> start(i); SHOW(eSTART, i, 0) } \
    :: d_step { H[i].up && !H[i].polled && H[i].stage == READING && !VIEW(i, 0).read && (!VIEW(i, 0).cut || VIEW(i, 1).read) -> read_server(i, 0); SHOW(eREAD, i, 0) } \
    :: d_step { H[i].up && !H[i].polled && H[i].stage == READING && !VIEW(i, 1).read && (!VIEW(i, 1).cut || VIEW(i, 0).read) -> read_server(i, 1); SHOW(eREAD, i, 1) } \
    :: d_step { H[i].up && !H[i].polled && VIEW(i, 0).cut && VIEW(i, 1).cut && H[i].stage == READING -> end_poll(i); SHOW(eNOTHING, i, 0) } \
    :: H[i].stage == FOUNDING -> atomic { select_rank(i) } \
    :: d_step { H[i].stage == WRITING && (VIEW(i, 0).write || VIEW(i, 0).ask || VIEW(i, 0).asks) -> write_server(i, 0); SHOW(eWRITE, i, 0) } \
    :: d_step { H[i].stage == WRITING && (VIEW(i, 1).write || VIEW(i, 1).ask || VIEW(i, 1).asks) -> write_server(i, 1); SHOW(eWRITE, i, 1) } \
    :: d_step { H[i].stage == WRITING && !BUSY(i) -> end_poll(i); SHOW(eNOTHING, i, 0) } \
    :: d_step { ANSWERED(i) && IDLE(i) -> join(i); SHOW(eJOIN, i, 0) }

#define NONE_YET  (!H[0].polled && !H[1].polled && !H[2].polled && IDLE(0) && IDLE(1) && IDLE(2))
#define CRASH 1
#define CUT   2
#define FLUSH 4
#define LOSE  8
#define LATE  16
#define SKIP  32
#define RAISE 64
#ifndef KINDS
#define KINDS 127
#endif
#define CAN(kind) (((KINDS) & kind) && !over && faults != 0)

#define HOST_FAULTS(i) \
    :: d_step { CAN(CRASH) && H[i].up -> faults--; crash(i); SHOW(eCRASH, i, 0) } \
    :: d_step { CAN(RAISE) && H[i].up && H[i].gen == 0 && IDLE(i) -> faults--; raised = 1; take_generation(i, 1); SHOW(eRAISE, i, 0) } \
    :: d_step { CAN(SKIP) && H[i].up && NONE_YET -> faults--; H[i].polled = 1; SHOW(eSKIP, i, 0) } \
    LINK_FAULTS(i, 0) \
    LINK_FAULTS(i, 1)

#define LINK_FAULTS(i, s) \
    :: d_step { CAN(CUT) && !VIEW(i, s).cut && (ALL_DONE || !IDLE(i)) -> faults--; VIEW(i, s).cut = 1; SHOW(eCUT, i, s) } \
    :: d_step { !over && VIEW(i, s).cut && ALL_DONE -> VIEW(i, s).cut = 0; SHOW(eHEAL, i, s) } \
    :: d_step { CAN(LOSE) && H[i].stage == WRITING && (VIEW(i, s).write || VIEW(i, s).ask || VIEW(i, s).asks) -> faults--; lose(i, s); SHOW(eLOSE, i, s) } \
    :: d_step { CAN(LATE) && H[i].stage == WRITING && VIEW(i, s).write && VIEW(i, s).fresh && !late.pending -> faults--; delay(i, s); SHOW(eDELAY, i, s) }

inline lose(i, s)
{
    VIEW(i, s).write = 0;
    VIEW(i, s).ask = 0;
    VIEW(i, s).asks = 0;
    poll_goes_on(i)
}

inline delay(i, s)
{
    late.pending = 1;
    late.server = s;
    late.gen = H[i].gen;
    late.group = H[i].group;
    late.ring = H[i].ring;
    lose(i, s)
}

inline land()
{
    highest = late.ring;
    g = late.group;
    j = late.gen;
    k = late.server;
    assert(!(S[k].group == g && S[k].gen == j) || (S[k].ring & ~highest) == 0);
    S[k].gen = j;
    S[k].group = g;
    S[k].ring = highest;
    best = k;
    changed(best);
    highest = 0; g = 0; j = 0; best = 0
}

hidden byte rank;

inline select_rank(i)
{
    d_step { compact(); count_groups(); assert(g < GROUPS) };
    if
    :: rank = 1
    :: g >= 1 -> rank = 2
    :: g >= 2 -> rank = 3
    :: g >= 3 -> rank = 4
    :: g >= 4 -> rank = 5
    :: g >= 5 -> rank = 6
    :: g >= 6 -> rank = 7
    fi;
    d_step {
        shift(rank, 1);
        H[i].group = rank;
        rank = 0; g = 0;
        find_best(i);
        if
        :: best != H[i].group -> H[i].wait = best
        :: else
        fi;
        best = 0;
        plan(i);
        SHOW(eFOUND, i, 0)
    }
}

#define CAN_TRICK  (!over && tricks != 0)

/* Whoever owns server 1 and has no secret. */

inline keep_record()
{
    old.gen = S[1].gen;
    old.group = S[1].group;
    old.ring = S[1].ring
}

inline put_back()
{
    S[1].gen = old.gen;
    S[1].group = old.group;
    S[1].ring = old.ring;
    S[1].forged = 0;
    best = 1;
    changed(best);
    best = 0
}

inline forge_record()
{
    S[1].gen = 1;
    S[1].group = 1;
    S[1].ring = 0;
    S[1].forged = 1;
    best = 1;
    changed(best);
    best = 0
}

inline forge_answer(i)
{
    S[1].requests = S[1].requests & ~BIT(i);
    S[1].answers = S[1].answers | BIT(i);
    S[1].fakes = S[1].fakes | BIT(i);
    for (k : 0 .. HOSTS - 1) {
        VIEW(k, 1).asks = VIEW(k, 1).asks & ~BIT(i)
    }
    k = 0
}

#if TRICKS == 0
#define ATTACKER
#else
#define ATTACKER \
    :: d_step { CAN_TRICK && S[1].group != 0 && !S[1].forged && old.group == 0 -> keep_record(); SHOW(eKEEP, 0, 1) } \
    :: d_step { CAN_TRICK && old.group != 0 -> tricks--; put_back(); SHOW(ePUTBACK, 0, 1) } \
    :: d_step { CAN_TRICK && !S[1].forged -> tricks--; forge_record(); SHOW(eFORGE, 0, 1) } \
    :: d_step { CAN_TRICK && !S[1].spies -> tricks--; S[1].spies = 1; SHOW(eSPY, 0, 1) } \
    :: d_step { CAN_TRICK && (S[1].requests & 1) -> tricks--; forge_answer(0); SHOW(eFAKE, 0, 1) } \
    :: d_step { CAN_TRICK && (S[1].requests & 2) -> tricks--; forge_answer(1); SHOW(eFAKE, 1, 1) } \
    :: d_step { CAN_TRICK && (S[1].requests & 4) -> tricks--; forge_answer(2); SHOW(eFAKE, 2, 1) }
#endif

active proctype fleet()
{
    do
    STEPS(0)
    STEPS(1)
    STEPS(2)
    HOST_FAULTS(0)
    HOST_FAULTS(1)
    HOST_FAULTS(2)
    ATTACKER
    :: d_step { CAN(FLUSH) && (S[0].group != 0 || S[0].requests || S[0].answers) -> faults--; flush(0); SHOW(eFLUSH, 0, 0) }
    :: d_step { CAN(FLUSH) && (S[1].group != 0 || S[1].requests || S[1].answers) -> faults--; flush(1); SHOW(eFLUSH, 0, 1) }
    :: d_step { late.pending -> land(); SHOW(eLAND, 0, 0) }
    :: d_step { !over && ALL_DONE -> tick(); SHOW(eTICK, 0, 0) }
    :: d_step { !over && ALL_DONE && !late.pending -> tick(); over = 1; faults = 0; tricks = 0; old.gen = 0; old.group = 0; old.ring = 0; SHOW(eOVER, 0, 0) }
    :: over && ALL_DONE && SETTLED -> break
    :: d_step { over && ALL_DONE && !SETTLED -> assert(calm < CALM); calm++; tick(); SHOW(eTICK, 0, 1) }
    od;
    assert(KEEPS(0) && KEEPS(1) && KEEPS(2));
    assert(ONLY_NEW(0) && ONLY_NEW(1) && ONLY_NEW(2))
}
