#!/usr/bin/perl

# What ssl_session_sync_status answers: JSON with stable names, and the text
# format of Prometheus, both from the same numbers; and the defaults.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use POSIX ();
use SSS;
use Test::More;
use Test::Nginx::Socket 'no_plan';

# How it is asked.

add_block_preprocessor(sub {
    my $block = shift;

    $block->set_value('config', <<'END' . ($block->config // ''));
location = /status {
    ssl_session_sync_status;
}
END
    $block->set_value('no_error_log', "[alert]\n[crit]\n[emerg]");
});

no_shuffle();
run_tests();


# Names as odd as nginx takes them, and what they are.

my $odd = '"a\"b\\\\c \t \n é {,} '. "\x01" . '"';
my $read = "a\"b\\c \t \n \x{e9} {,} \x01";
my $path = directory() . '/a\"b\\\\c.sock';
my $path_read = directory() . '/a"b\\c.sock';
my $long = '\"' x 127;

my $secret = secret_file('status.secret', 'fedcba9876543210' x 4);
my $dir = directory();
my ($tls, $far, $quick, $status, $dead) = map { free_port() } 1 .. 5;
my $memcached = start_memcached();

my $nginx = start_nginx(<<"END");
worker_processes 2;

ssl_session_sync_cluster main { }

ssl_session_sync_cluster far {
    memcached     127.0.0.1:$memcached->{port};
    memcached     127.0.0.1:$dead weight=3;
    memcached     "unix:$path";
    secret_file   $secret;
    namespace     "a \\"quoted\\" name";
    key_rotation  8s;
    poll_interval 200ms;
}

ssl_session_sync_cluster cut {
    memcached     127.0.0.1:$dead;
    secret_file   $secret;
    poll_interval 200ms;
}

ssl_session_sync_cluster quick {
    key_rotation  2s;
    poll_interval 200ms;
}

ssl_session_sync_cluster $odd { }

ssl_session_sync_cluster "$long" { }

events { }

http {
    access_log          off;
    ssl_certificate     $dir/a.crt;
    ssl_certificate_key $dir/a.key;

    server {
        listen              127.0.0.1:$tls ssl reuseport;
        server_name         a.example;
        ssl_session_sync    main;
        ssl_session_timeout 7m;
        return              200 "[\$pid \$ssl_session_sync]";
    }

    server {
        listen              127.0.0.1:$tls ssl;
        server_name         b.example;
        ssl_session_sync    main;
        return              200 "[\$pid \$ssl_session_sync]";
    }

    server {
        listen              127.0.0.1:$far ssl;
        ssl_session_sync    far;
        return              200 "[\$pid \$ssl_session_sync]";
    }

    server {
        listen              unix:$dir/quick.sock ssl;
        ssl_session_sync    quick;
        ssl_session_timeout 4s;
    }

    server {
        listen 127.0.0.1:$status;

        location = /status { ssl_session_sync_status; }
    }
}
END

# Clusters have polled, so that nothing is "starting".

ok(until_true(sub {
    my $now = clusters($status);
    return ($now->{main}{state} // '') eq 'local'
           && ($now->{cut}{state} // '') eq 'cut off'
           && ($now->{far}{state} // '') eq 'ok'
           && $now->{far}{servers}[0]{whole}
           && $now->{far}{servers}[0]{last_success}
           && @{$now->{main}{keys}} && @{$now->{far}{keys}};
}), 'clusters have keys and a state') or diag(http_get($status, '/status'));


# The whole of it.

my $json = status($status);

ok($json, 'the answer is JSON')
    or BAIL_OUT(http_get($status, '/status') // 'no answer');

is_deeply([sort keys %$json],
          [qw(clusters host nginx openssl pid time version)],
          'all there is to say');
like($json->{version}, qr/^\d+\.\d+\.\d+$/, 'version');
like($json->{nginx}, qr/^\d+\.\d+\.\d+$/, 'version of nginx');
like($json->{openssl}, qr/\d/, 'version of OpenSSL');
cmp_ok(abs($json->{time} - time), '<', 60, 'time');
ok(length $json->{host}, 'host');

my %worker = map { $_ => 1 } workers($nginx);

is(scalar keys %worker, 2, 'two workers');
ok($worker{$json->{pid}}, 'the answer is of one of them');

is_deeply([map { $_->{name} } @{$json->{clusters}}],
          ['main', 'far', 'cut', 'quick', $read, '"' x 127],
          'all clusters, in the order in which they are defined');

my %cluster = map { $_->{name} => $_ } @{$json->{clusters}};

for my $cluster (@{$json->{clusters}}) {
    my $n = substr $cluster->{name}, 0, 4;

    is_deeply([sort keys %$cluster],
              [qw(attached clock_warning early_data engines foreign_secret
                  generation group handshakes key_rotation keys name namespace
                  poll_interval_ms retention ring_capacity ring_version
                  servers sessions speaker state tickets)],
              "$n: all there is to say");

    my $group = $cluster->{group};

    is_deeply([sort keys %$group],
              [$group->{member} ? qw(epoch epoch_since) : (),
               'forward_secrecy', $group->{member} ? qw(founded id) : (),
               qw(joins member mixed waits_seconds)],
              "$n: what there is of a group");
    is_deeply($cluster->{generation}, { configured => 1, in_force => 1 },
              "$n: generation");
    is_deeply([sort keys %{$group->{joins}}],
              [qw(answered founded given_up made refused)],
              "$n: what became of joins");
    is_deeply([sort keys %{$cluster->{tickets}}],
              [qw(file_key issued refused_binding renewed resumed
                  unknown_key)], "$n: counters of tickets");
    is_deeply([sort keys %{$cluster->{handshakes}}],
              [qw(full resumed_id_local resumed_id_remote resumed_ticket)],
              "$n: counters of handshakes");

    is(strings($cluster, qw(key_rotation poll_interval_ms retention speaker
                            ring_version ring_capacity attached)), '',
       "$n: numbers are numbers");
    is(strings($cluster->{$_}, keys %{$cluster->{$_}}), '',
       "$n: $_ are numbers") for qw(tickets handshakes sessions early_data);
    is(strings($cluster, qw(foreign_secret clock_warning)), '',
       "$n: what is true or false is so");

    cmp_ok($cluster->{ring_version}, '>', 0, "$n: the ring has a version");
    cmp_ok($cluster->{ring_capacity}, '>=', scalar @{$cluster->{keys}},
           "$n: and a capacity");

    is_deeply([sort keys %{$cluster->{sessions}}],
              [qw(bad_records breaker_opened dropped failures forged lookups
                  misses refused_binding removed stored timeouts)],
              "$n: counters of sessions");
    is_deeply([sort keys %{$cluster->{early_data}}],
              [qw(accepted clock forgotten full off replay servers unanswered
                  unheld unsure)],
              "$n: counters of early data");
    is_deeply([sort keys %{$cluster->{engines}}],
              [qw(batches breakers_open latency_sum_us latency_us waiting)],
              "$n: what engines tell");
    is(strings($cluster->{engines}, keys %{$cluster->{engines}}), '',
       "$n: numbers of engines are numbers");
    is(scalar @{$cluster->{engines}{latency_us}}, 16,
       "$n: a histogram of 16 numbers");

    is_deeply([map { join ' ', sort keys %$_ } @{$cluster->{keys}}],
              [('created ends expires name role rotation slot starts')
               x @{$cluster->{keys}}], "$n: all there is to say of keys");
    is(join('', map { strings($_, qw(slot rotation created starts ends
                                     expires)) } @{$cluster->{keys}}), '',
       "$n: numbers of keys are numbers");
    is(scalar(grep { $_->{name} !~ /^[0-9a-f]{8}$/
                     || $_->{role} !~ /^(next|current|previous|other)$/
                     || $_->{starts} != $_->{slot} * $_->{rotation}
                     || $_->{ends} != $_->{starts} + $_->{rotation}
                     || $_->{expires} < $_->{ends} + $cluster->{retention}
                   } @{$cluster->{keys}}), 0, "$n: keys are as they can be");

    is_deeply([map { join ' ', sort keys %$_ } @{$cluster->{servers}}],
              [('address bad_records clock_diff conflicts error errors keys'
                . ' last_success latency_us memcached polls reads_us state'
                . ' trouble weight whole writes')
               x @{$cluster->{servers}}], "$n: all there is to say of servers");
    is(join('', map { strings($_, qw(weight last_success polls errors writes
                                     bad_records conflicts latency_us
                                     reads_us whole keys)) }
                     @{$cluster->{servers}}),
       '', "$n: numbers of servers are numbers");

    next if $cluster->{name} eq 'quick';

    is(scalar(grep { $_->{role} eq 'current' } @{$cluster->{keys}}), 1,
       "$n: one key is the current one") or diag(explain($cluster->{keys}));
}

sub strings {
    my ($hash, @names) = @_;

    my $coder = JSON::PP->new->allow_nonref;
    return join ' ', grep { $coder->encode($hash->{$_}) =~ /"|null/ } @names;
}

sub reads {
    my ($server) = @_;

    my $sum = 0;
    $sum += $_ for @{$server->{reads_us}};
    return $sum;
}

my $main = $cluster{main};

is($main->{namespace}, 'main', 'the namespace is the name by default');
is($main->{state}, 'local', 'without memcached the state is local');
is($main->{key_rotation}, 3600, 'keys rotate in an hour by default');
is($main->{poll_interval_ms}, 2000, 'a poll in two seconds by default');
is($main->{attached}, 2, 'both servers are attached');
is($main->{retention}, 420, 'retention is the longest session timeout');
is_deeply($main->{servers}, [], 'no memcached server');
is($main->{speaker}, 0, 'nobody has to speak');
ok(!$main->{foreign_secret}, 'no other secret');
ok(!$main->{clock_warning}, 'no warning of clocks');

my ($current) = grep { $_->{role} eq 'current' } @{$main->{keys}};

is($current->{rotation}, 3600, 'rotation of the key');
cmp_ok(abs($json->{time} - $current->{created}), '<', 60,
       'when it was made');
cmp_ok($current->{starts}, '<=', $json->{time}, 'its time has begun');
cmp_ok($current->{ends}, '>=', $json->{time} - 1, 'and not ended');
is($current->{expires}, $current->{ends} + 420 + 1800,
   'it is kept for as long as tickets live, and half a rotation');

is_deeply([@{$cluster{cut}}{qw(state retention attached)}],
          ['cut off', 0, 0], 'a cluster without servers that can be reached');

my $far_cluster = $cluster{far};

is($far_cluster->{namespace}, 'a "quoted" name', 'the namespace is quoted');
is($far_cluster->{key_rotation}, 8, 'rotation as configured');
is($far_cluster->{poll_interval_ms}, 200, 'poll interval as configured');
is($far_cluster->{retention}, 300, 'retention is the default timeout');
ok($worker{$far_cluster->{speaker}}, 'a worker speaks to memcached');

my ($up, $down, $socket) = @{$far_cluster->{servers}};

is($up->{address}, "127.0.0.1:$memcached->{port}", 'up: address');
is($up->{weight}, 1, 'up: weight by default');
is($up->{state}, 'up', 'up: state');
cmp_ok(abs($up->{last_success} - $json->{time}), '<', 60,
       'up: last success');
cmp_ok($up->{polls}, '>', 0, 'up: polls');
cmp_ok($up->{writes}, '>', 0, 'up: writes');
cmp_ok($up->{latency_us}, '>', 0, 'up: latency');
is(scalar @{$up->{reads_us}}, 16, 'up: a histogram of it');
cmp_ok(reads($up), '>', 0, 'up: of polls');
cmp_ok(reads($up), '<=', $up->{polls}, 'up: of each once');
ok($up->{whole}, 'up: it has all keys');
cmp_ok($up->{keys}, '>', 0, 'up: and how many');
is($up->{bad_records}, 0, 'up: no bad record');
ok(!defined $up->{clock_diff} || abs($up->{clock_diff}) <= 2,
   'up: its clock is this one');

is($down->{address}, "127.0.0.1:$dead", 'down: address');
is($down->{weight}, 3, 'down: weight');
is($down->{state}, 'down', 'down: state');
cmp_ok($down->{errors}, '>', 0, 'down: errors');
ok(length $down->{error}, 'down: the last error');
ok(!$down->{last_success}, 'down: no success');
is(reads($down), 0, 'down: no read');
ok(!$down->{whole}, 'down: it has nothing');
is($down->{clock_diff}, undef, 'down: its clock is unknown');

is($socket->{address}, "unix:$path_read", 'the path of a socket is quoted');
is($socket->{state}, 'down', 'and nobody is there');


# Roles of keys: the next one comes before its time.

ok(until_true(sub {
    my %role = map { $_->{role} => $_->{slot} }
               @{clusters($status)->{quick}{keys}};
    return $role{next} && $role{current} && $role{previous}
           && $role{next} == $role{current} + 1
           && $role{previous} == $role{current} - 1;
}), 'a next, a current and a previous key in one ring');


# The numbers move, over all workers.

is($main->{handshakes}{full}, 0, 'no handshake yet');

my ($full, $resumed, %used) = (0, 0);

for my $n (1 .. 60) {
    my $first = handshake($tls, version => '1_2', out => "$dir/s1");
    my $second = handshake($tls, version => '1_2', in => "$dir/s1");

    $full++ if $first->{body} =~ /^(\d+) full$/;
    $used{$1}++ if $first->{body} =~ /^(\d+) /;
    $resumed++ if $second->{body} =~ /^(\d+) ticket$/;
    $used{$1}++ if $second->{body} =~ /^(\d+) /;
    last if $n > 2 && keys %used == 2;
}

is(scalar keys %used, 2, 'both workers had something to do');
is($full, $resumed, 'every ticket resumed');

# A worker counts when it has finished its side.

ok(until_true(sub {
    $main = clusters($status)->{main};
    return $main->{handshakes}{full} == $full
           && $main->{handshakes}{resumed_ticket} == $resumed;
}), 'handshakes are counted, over all workers')
    or diag(explain($main->{handshakes}));
is_deeply($main->{tickets},
          { issued => $full, resumed => $resumed, renewed => 0,
            unknown_key => 0, refused_binding => 0, file_key => 0 },
          'and tickets');


# Sessions by ID, which nginx has no cache for: from memcached.

my ($remote, $engines, $sessions) = (0);
my %sync;

for my $n (1 .. 40) {
    handshake($far, version => '1_2', more => ['-no_ticket'],
              out => "$dir/s2");
    my $second = handshake($far, version => '1_2', more => ['-no_ticket'],
                           in => "$dir/s2");

    $sync{$1}++ if $second->{body} =~ /^\d+ (\S+)$/;
    last if ($sync{'id-remote'} // 0) == 5;
}

is($sync{'id-remote'}, 5, 'sessions by ID resume')
    or diag(explain(\%sync));

ok(until_true(sub {
    my $now = clusters($status)->{far};
    ($engines, $sessions) = @{$now}{qw(engines sessions)};
    my $answered = 0;
    $answered += $_ for @{$engines->{latency_us}};
    return $now->{handshakes}{resumed_id_remote} == 5
           && $sessions->{stored} >= 5 && $answered >= 5
           && $answered == $sessions->{lookups};
}), 'what became of them is counted')
    or diag(explain([$engines, $sessions]));
cmp_ok($engines->{latency_sum_us}, '>', 0, 'lookups take time');
is($engines->{waiting}, 0, 'and are over');

# No more than all that is counted may have taken, no less than each its least.

my ($least, $most) = (0, 0);

for my $i (0 .. 14) {
    $least += $engines->{latency_us}[$i] * ($i ? 32 << $i : 0);
    $most += $engines->{latency_us}[$i] * (64 << $i);
}

cmp_ok($engines->{latency_sum_us}, '>=', $least, 'their sum is large enough');
cmp_ok($engines->{latency_sum_us}, '<=', $most, 'and not too large')
    if $engines->{latency_us}[15] == 0;


# Prometheus gets the same.

my $canonical = JSON::PP->new->canonical;
my ($before, $text);

sub still {
    my $now = status($status);
    delete @{$now}{qw(time pid)};
    return $now;
}

ok(until_true(sub {
    $before = still();
    $text = http_get($status, '/status?format=prometheus');
    return $canonical->encode($before) eq $canonical->encode(still());
}), 'a moment in which nothing happens');

my (%type, %help, %value, @bad);
my $metric = '';

for my $line (split /\n/, $text) {
    if ($line =~ /^# HELP (\w+) \S/) {
        push @bad, "a second time: $line" if $help{$1}++;
        $metric = $1;

    } elsif ($line =~ /^# TYPE (\w+) (counter|gauge|histogram)$/) {
        my ($name, $type) = ($1, $2);
        push @bad, "not after its help: $line"
            if $metric ne $name || $type{$name};
        push @bad, "a name against custom: $line"
            if ($type eq 'counter') != ($name =~ /_total$/);
        $type{$name} = $type;

    } elsif ($line =~ /^(ssl_session_sync_[a-z_]+)
                       \{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*"(?:,(?!\})|(?=\})))+)\}
                       \ ([0-9]+(?:\.[0-9]+)?|-[0-9]+)$/x)
    {
        my ($name, $labels, $number) = ($1, $2, $3);
        my $family = $name;

        $family =~ s/_(bucket|sum|count)$//
            if ($type{$metric} // '') eq 'histogram';
        push @bad, "not with its type: $line"
            if $metric ne $family || !$type{$family};
        push @bad, "a second time: $line"
            if exists $value{"$name $labels"};
        $value{"$name $labels"} = $number;

    } else {
        push @bad, "not understood: $line";
    }
}

is_deeply(\@bad, [], 'every line is of the text format');

my $documented = read_file("$FindBin::Bin/../docs/directives.md");

is_deeply([grep { !/^ssl_session_sync_(\w+)$/
                  || $documented !~ /^\|[^|]*`$1`/m } sort keys %type], [],
          'every metric is documented');
like($text, qr/\n\z/, 'the last line is a whole one');

sub label {
    my ($value) = @_;

    utf8::encode($value);
    $value =~ s/([\\"])/\\$1/g;
    $value =~ s/\n/\\n/g;
    return "\"$value\"";
}

my %expect = ("ssl_session_sync_info version=\"$before->{version}\","
              . "nginx=\"$before->{nginx}\"" => 1);

for my $cluster (@{$before->{clusters}}) {
    my $expect = sub {
        my ($name, $number, @labels) = @_;
        my $labels = 'cluster=' . label($cluster->{name});

        while (my ($key, $value) = splice @labels, 0, 2) {
            $labels .= ",$key=" . label($value);
        }
        $expect{"ssl_session_sync_$name $labels"} = $number;
    };

    $expect->(state => 1, state => $cluster->{state});
    $expect->(foreign_secret => $cluster->{foreign_secret} ? 1 : 0);
    $expect->(clock_warning => $cluster->{clock_warning} ? 1 : 0);
    $expect->(keys => scalar @{$cluster->{keys}});

    my $group = $cluster->{group};

    $expect->(generation => $cluster->{generation}{in_force});
    $expect->(generation_configured => $cluster->{generation}{configured});
    $expect->(group_member => $group->{member} ? 1 : 0);
    $expect->(group_mixed => $group->{mixed} ? 1 : 0);
    $expect->(group_epoch => $group->{epoch} // 0);
    $expect->(group_wait_seconds => int $group->{waits_seconds});
    $expect->(group_joins_total => $group->{joins}{$_}, result => $_)
        for keys %{$group->{joins}};

    for my $kind (qw(tickets handshakes sessions early_data)) {
        $expect->("${kind}_total", $cluster->{$kind}{$_}, event => $_)
            for keys %{$cluster->{$kind}};
    }

    my $engines = $cluster->{engines};
    my @latency = @{$engines->{latency_us}};
    my $sum = 0;

    $expect->(lookups_waiting => $engines->{waiting});
    $expect->(breakers_open => $engines->{breakers_open});
    $expect->(lookup_batches_total => $engines->{batches});

    for my $i (0 .. $#latency) {
        $sum += $latency[$i];
        $expect->(lookup_seconds_bucket => $sum,
                  le => $i == $#latency ? '+Inf'
                        : sprintf '%.6f', (64 << $i) / 1000000);
    }
    $expect->(lookup_seconds_sum => $engines->{latency_sum_us} / 1000000);
    $expect->(lookup_seconds_count => $sum);

    $expect->(key_starts_seconds => $_->{starts}, name => $_->{name},
              role => $_->{role}) for @{$cluster->{keys}};

    for my $server (@{$cluster->{servers}}) {
        my @server = (server => $server->{address});

        $expect->(server_up => $server->{state} eq 'up' ? 1 : 0, @server);
        $expect->(server_whole => $server->{whole} ? 1 : 0, @server);
        $expect->(server_last_success_seconds => $server->{last_success},
                  @server);
        $expect->(server_latency_seconds => $server->{latency_us} / 1000000,
                  @server);
        $expect->(server_clock_diff_seconds => $server->{clock_diff},
                  @server) if defined $server->{clock_diff};
        $expect->(server_trouble => $server->{trouble} eq '' ? 0 : 1,
                  trouble => $server->{trouble}, @server);
        $expect->("server_${_}_total" => $server->{$_}, @server)
            for qw(polls errors bad_records writes conflicts);
    }
}

is_deeply([sort keys %value], [sort keys %expect],
          'the same things as in JSON');
is(join("\n", grep { abs($value{$_} - ($expect{$_} // -1)) > 0.0005 }
              keys %value), '', 'the same numbers as in JSON');

# A browser gets a page with the same numbers.

ok(until_true(sub {
    $before = still();
    $text = http_get($status, '/status?format=html');
    return $canonical->encode($before) eq $canonical->encode(still());
}), 'another such moment');

sub html {
    my ($string) = @_;

    utf8::encode($string);
    $string =~ s/&/&amp;/g;
    $string =~ s/</&lt;/g;
    $string =~ s/>/&gt;/g;
    $string =~ s/"/&quot;/g;
    return $string;
}

like($text, qr{</html>\n\z}, 'the page has its end');

my (undef, @page) = split /^<section class="cluster"/m, $text;

is(scalar @page, scalar @{$before->{clusters}}, 'a section for each cluster');

# Lines of tables of a caption: {name: number}.

sub rows {
    my ($page, $caption) = @_;

    my %row;

    while ($page =~ m{<caption>\Q$caption\E(?:: zero)?</caption>(.*?)</table>}gs)
    {
        my $table = $1;

        while ($table =~ m{<th\ scope="row">(?:<svg.*?</svg>)?(.*?)
                           (?:\ <small>[^<]*</small>)?</th>
                           <td><data\ value="(\d+)">([\d,]+)</data>}gx)
        {
            my ($title, $number, $shown) = ($1, $2, $3);

            is($shown =~ s/,//gr, $number, "$caption, $title: as it is");
            is($row{$title}, undef, "$caption, $title: once");
            $row{$title} = $number;
        }
    }
    return \%row;
}

for my $cluster (@{$before->{clusters}}) {
    my $page = shift @page;
    my $n = substr $cluster->{name}, 0, 4;
    my ($handshakes, $tickets, $sessions, $engines)
        = @{$cluster}{qw(handshakes tickets sessions engines)};

    like($page, qr{<h2 [^>]*>\Q${\html($cluster->{name})}\E\ <span
                   \ class="state\ [a-z]+">\Q$cluster->{state}\E</span>}x,
         "$n: its name and its state");
    is_deeply(rows($page, 'Handshakes since the start'),
              { full => $handshakes->{full},
                'by ticket' => $handshakes->{resumed_ticket},
                'by ID, this host' => $handshakes->{resumed_id_local},
                'by ID, memcached' => $handshakes->{resumed_id_remote} },
              "$n: handshakes");
    is_deeply(rows($page, 'Tickets'),
              { map { (s/_/ /gr, $tickets->{$_}) } keys %$tickets },
              "$n: tickets");
    is_deeply(rows($page, 'Sessions by ID'),
              { map { (s/_/ /gr, $sessions->{$_}) } keys %$sessions },
              "$n: sessions");

    my $early = $cluster->{early_data};

    is_deeply(rows($page, 'Early data'),
              { map { (/^(?:accepted|replay|unsure|off)$/ ? $_ : "unsure: $_",
                       $early->{$_}) } keys %$early }, "$n: early data");
    is_deeply(rows($page, 'Lookups'),
              { 'waiting now' => $engines->{waiting},
                'breakers open now' => $engines->{breakers_open},
                batches => $engines->{batches} }, "$n: lookups");
    is_deeply([sort { $a <=> $b }
               values %{rows($page, 'How long lookups took')}],
              [sort { $a <=> $b } grep { $_ } @{$engines->{latency_us}}],
              "$n: how long they took");

    # keys: each once, in one of two tables

    is(join(' ', sort $page =~ m{<code>([0-9a-f]{8})</code></th>}g),
       join(' ', sort map { $_->{name} } @{$cluster->{keys}}), "$n: keys");

    for my $key (@{$cluster->{keys}}) {
        my $role = $key->{role} eq 'other' ? '' : $key->{role};
        my $times = join '.*', map { POSIX::strftime('%FT%TZ', gmtime $_) }
                               @{$key}{qw(starts ends expires)};

        like($page, qr{<tr><th\ scope="row">$role\ <code>$key->{name}</code>
                       </th><td><time\ datetime="$times"}x,
             "$n: $key->{name}: its role and its times");
    }

    # servers, each with its state, and in words if it is down

    my (undef, @servers) = split /<article class="card server">/, $page;

    is(scalar @servers, scalar @{$cluster->{servers}}, "$n: servers");

    for my $server (@{$cluster->{servers}}) {
        my $card = shift @servers;
        my $address = html($server->{address});

        like($card, qr{^<h4><span\ class="address">\Q$address\E</span>
                       \ <span\ class="state\ [a-z]+">$server->{state}
                       </span>}x, "$n: $address: state");
        is_deeply([sort { $a <=> $b }
                   values %{rows($card, 'How long polls took')}],
                  [sort { $a <=> $b } grep { $_ } @{$server->{reads_us}}],
                  "$n: $address: how long its polls took");

        my $error = html($server->{error});
        my $down = qr{<strong>memcached\ \Q$address\E\ is\ down\.</strong>
                      \ <q>\Q$error\E</q>\ <span\ class="do">[A-Z][^<]+</span>
                     }x;

        $server->{state} eq 'down'
            ? like($page, $down, "$n: $address: what to do")
            : unlike($page, $down, "$n: $address: nothing is wrong with it");
    }

    my $state = $cluster->{state};

    like($page, $state eq 'cut off' ? qr{<strong>This host is cut off:}
                : $state eq 'local' ? qr{<strong>Nothing\.</strong>}
                : qr{<strong>memcached}, "$n: what is wrong");
}

stop_nginx($nginx);

unlike(error_log($nginx), qr/\[(alert|emerg|crit)\]/,
       'nothing grave in the error log');

__DATA__

=== TEST 1: JSON by default
--- request
GET /status
--- response_headers
Content-Type: application/json
--- response_body_like chomp
^\{"version":"\d+\.\d+\.\d+",.*"clusters":\[\]\}$



=== TEST 2: JSON by name
--- main_config
ssl_session_sync_cluster main { }
--- request
GET /status?a=b&format=json
--- response_headers
Content-Type: application/json
--- response_body_like chomp
^\{"version":.*"clusters":\[\{"name":"main",.*\]\}$



=== TEST 3: Prometheus
--- main_config
ssl_session_sync_cluster main { }
--- request
GET /status?format=prometheus
--- response_headers
Content-Type: text/plain; version=0.0.4; charset=utf-8
--- response_body_like chomp
ssl_session_sync_state\{cluster="main",state="local"\} 1



=== TEST 4: Prometheus without a cluster
--- request
GET /status?format=prometheus
--- response_body_like chomp
^# HELP ssl_session_sync_info .*
# TYPE ssl_session_sync_info gauge
ssl_session_sync_info\{



=== TEST 5: an unknown format
--- request
GET /status?format=xml
--- error_code: 400



=== TEST 6: no format
--- request
GET /status?format=
--- error_code: 400



=== TEST 7: a format that only begins like one
--- request
GET /status?format=prometheus2
--- error_code: 400



=== TEST 8: HEAD
--- main_config
ssl_session_sync_cluster main { }
--- request
HEAD /status
--- response_headers
Content-Type: application/json
--- response_headers_like
Content-Length: [1-9]\d+
--- response_body:



=== TEST 9: POST
--- request
POST /status
a body
--- error_code: 405



=== TEST 10: DELETE
--- request
DELETE /status
--- error_code: 405



=== TEST 11: a body that nobody asked for
--- request eval
"GET /status
" . 'x' x 100000
--- error_code: 200



=== TEST 12: several requests on one connection
--- main_config
ssl_session_sync_cluster main { }
--- pipelined_requests eval
["GET /status", "GET /status?format=prometheus", "GET /status"]
--- error_code eval
[200, 200, 200]
--- response_body_like eval
[qr/^\{.*\}$/s, qr/^# HELP/, qr/^\{.*\}$/s]



=== TEST 13: who may ask
--- config
location = /closed {
    ssl_session_sync_status;
    deny all;
}
--- request
GET /closed
--- error_code: 403



=== TEST 14: a page by name
--- main_config
ssl_session_sync_cluster main { }
--- request
GET /status?format=html
--- response_headers
Content-Type: text/html; charset=utf-8
--- response_body_like
^<!DOCTYPE html>.*<h2 id="name0">main <span class="state good">local</span>.*</html>$



=== TEST 15: a browser
--- request
GET /status
--- more_headers
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8
--- response_headers
Content-Type: text/html; charset=utf-8



=== TEST 16: whoever accepts anything is no browser
--- request
GET /status
--- more_headers
Accept: */*
--- response_headers
Content-Type: application/json



=== TEST 17: a browser that asks for something else
--- request
GET /status?format=json
--- more_headers
Accept: text/html
--- response_headers
Content-Type: application/json



=== TEST 18: what a browser may do with the page
--- request
GET /status?format=html
--- response_headers
Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'
X-Content-Type-Options: nosniff
Referrer-Policy: no-referrer
Cache-Control: no-store
--- response_body_unlike
(?i)<style|\bstyle=|\bon[a-z]+=|<script[^>]*>[^<]|(?:src|href)="(?![?#])



=== TEST 19: its style
--- request
GET /status?asset=page.css
--- response_headers
Content-Type: text/css; charset=utf-8
X-Content-Type-Options: nosniff
--- response_body eval
SSS::read_file("$FindBin::Bin/../ngx_module/page/page.css")



=== TEST 20: its script
--- request
GET /status?asset=page.js
--- response_headers
Content-Type: text/javascript; charset=utf-8
--- response_body eval
SSS::read_file("$FindBin::Bin/../ngx_module/page/page.js")



=== TEST 21: its icon
--- request
GET /status?asset=icon.svg
--- response_headers
Content-Type: image/svg+xml
--- response_body eval
SSS::read_file("$FindBin::Bin/../ngx_module/page/icon.svg")



=== TEST 22: a file that the page does not have
--- request
GET /status?asset=page
--- error_code: 404



=== TEST 23: a file, whatever a browser accepts
--- request
HEAD /status?asset=page.css
--- more_headers
Accept: text/html
--- response_headers
Content-Type: text/css; charset=utf-8
--- response_body:



=== TEST 24: no page for programs
--- main_config
ssl_session_sync_cluster main { }
--- request
GET /status?format=json
--- raw_response_headers_unlike: Content-Security-Policy
