#!/usr/bin/perl

# Tickets on one host, with openssl s_client: across two workers, renewed when
# keys rotate, bound to the name, the scope and the rules for client
# certificates they were issued for, and those of ssl_session_ticket_key.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SSS;
use Test::More;

my $dir = directory();
my %port = map { $_ => free_port() }
           qw(tls twin scope asks must file asks_file cached uncached roll
              quick status plain80 plain48);

for my $size (80, 48) {
    system("openssl rand -out $dir/$size.key $size") == 0 or die;
}

my $common = <<"END";
    access_log           off;
    ssl_certificate      $dir/a.crt;
    ssl_certificate_key  $dir/a.key;
    ssl_protocols        TLSv1.2 TLSv1.3;
END

# The body says which worker answered, and how the session came about.
my $answer = 'return 200 "[$pid $ssl_session_sync]";';

my $nginx = start_nginx(<<"END");
worker_processes 2;

ssl_session_sync_cluster main { }

ssl_session_sync_cluster roll {
    key_rotation  4s;
    poll_interval 200ms;
}

ssl_session_sync_cluster quick {
    key_rotation  1s;
    poll_interval 200ms;
}

events { }

http {
$common
    ssl_session_sync    main;

    server {
        listen          127.0.0.1:$port{tls} ssl reuseport;
        server_name     a.example;
        $answer
    }

    server {
        listen          127.0.0.1:$port{tls} ssl;
        server_name     b.example;
        $answer
    }

    server {
        listen          127.0.0.1:$port{tls} ssl;
        server_name     off.example;
        ssl_session_sync off;
        $answer
    }

    server {
        listen          127.0.0.1:$port{tls} ssl;
        server_name     strict.example;
        ssl_verify_client      optional;
        ssl_client_certificate $dir/b.crt;
        $answer
    }

    server {
        listen          127.0.0.1:$port{twin} ssl;
        $answer
    }

    server {
        listen          127.0.0.1:$port{scope} ssl;
        ssl_session_sync_scope another;
        $answer
    }

    server {
        listen          127.0.0.1:$port{asks} ssl;
        ssl_verify_client      optional;
        ssl_client_certificate $dir/b.crt;
        $answer
    }

    server {
        listen          127.0.0.1:$port{must} ssl;
        ssl_verify_client      on;
        ssl_client_certificate $dir/b.crt;
        $answer
    }

    server {
        listen          127.0.0.1:$port{file} ssl;
        server_name     a.example;
        ssl_session_ticket_key $dir/80.key;
        ssl_session_ticket_key $dir/48.key;
        $answer
    }

    server {
        listen          127.0.0.1:$port{file} ssl;
        server_name     b.example;
        $answer
    }

    server {
        listen          127.0.0.1:$port{asks_file} ssl;
        ssl_session_ticket_key $dir/80.key;
        ssl_verify_client      optional;
        ssl_client_certificate $dir/b.crt;
        $answer
    }

    server {
        listen          127.0.0.1:$port{cached} ssl;
        ssl_session_tickets off;
        ssl_session_cache   shared:TLS:1m;
        $answer
    }

    server {
        listen          127.0.0.1:$port{uncached} ssl;
        ssl_session_tickets off;
        ssl_session_cache   off;
        $answer
    }

    server {
        listen           127.0.0.1:$port{roll} ssl;
        ssl_session_sync roll;
        $answer
    }

    server {
        listen              127.0.0.1:$port{quick} ssl;
        ssl_session_sync    quick;
        ssl_session_timeout 1s;
        $answer
    }

    server {
        listen 127.0.0.1:$port{status};
        location = /status { ssl_session_sync_status; }
    }
}
END

my $plain = start_nginx(<<"END", 'without the module');
worker_processes 1;

events { }

http {
$common
    server {
        listen 127.0.0.1:$port{plain80} ssl;
        ssl_session_ticket_key $dir/80.key;
        return 200 "[\$pid plain]";
    }

    server {
        listen 127.0.0.1:$port{plain48} ssl;
        ssl_session_ticket_key $dir/48.key;
        return 200 "[\$pid plain]";
    }
}
END


# Client and server must agree on what happened.

sub client {
    my ($port, %want) = @_;

    my $client = handshake($port{$port}, %want);

    if ($client->{body} =~ /^(\d+) (.*)/) {
        $client->{worker} = $1;
        $client->{how} = $2;
    } else {
        $client->{how} = $client->{body};
        diag($client->{text});
    }

    $client->{how} .= ' of another opinion'
        if $client->{how} eq 'full' && $client->{reused}
           || $client->{how} =~ /^(ticket|id-local)$/ && !$client->{reused};

    return $client;
}

sub counters {
    my ($cluster) = @_;

    my $now = clusters($port{status})->{$cluster // 'main'};
    return { %{$now->{tickets}}, %{$now->{handshakes}} };
}

# What a handshake ends with, and what it adds to the counters named.

sub expect {
    my ($client, $how, $what, $before, %add) = @_;

    is($client->{how}, $how, $what);

    return unless $before;

    my $now = counters($add{cluster});
    delete $add{cluster};
    is_deeply({ map { $_ => $now->{$_} - $before->{$_} } keys %add }, \%add,
              "$what: counted");
}

sub keys_of {
    my ($cluster) = @_;

    my $now = clusters($port{status})->{$cluster} or return;
    return map { $_->{role} => $_->{name} } @{$now->{keys}};
}

sub key_name {
    my ($client) = @_;
    return substr $client->{ticket}, 0, 8;
}


# Clients that hold a ticket while keys change, see below.

my (%begin, %first);

ok(until_true(sub {
    %begin = keys_of('roll');
    return unless $begin{current};
    %first = map { $_ => client('roll', version => $_,
                                out => "$dir/session.roll.$_") } qw(1_2 1_3);
    return 2 == grep { key_name($_) eq $begin{current} } values %first;
}), 'tickets under the current key');

my $before = counters('roll');
my $same = client('roll', version => '1_2', in => "$dir/session.roll.1_2");
my %now = keys_of('roll');

SKIP: {
    skip 'the key has just changed', 2 if $now{current} ne $begin{current};

    is($same->{ticket}, '', 'TLS 1.2: no new ticket while the key encrypts');
    is(counters('roll')->{renewed}, $before->{renewed}, 'nor is one counted');
}

my $short = client('quick', version => '1_2', out => "$dir/session.quick");

is($short->{how}, 'full', 'a ticket under a key that will not last');


for my $version ('1_2', '1_3') {

    my $tls13 = $version eq '1_3';
    my $v = 'TLS ' . ($tls13 ? '1.3' : '1.2');
    my @v = (version => $version);


    # Several clients, until a ticket of each worker has resumed on the other.

    my (%pair, @wrong);
    my $main_key = {keys_of('main')}->{current};

    for my $n (1 .. 60) {
        my $session = "$dir/session.$version.$n";
        my $first = client('tls', @v, out => $session);
        my $second = client('tls', @v, in => $session);

        push @wrong, "client $n: $first->{how}, then $second->{how}"
            if $first->{how} ne 'full' || $second->{how} ne 'ticket';
        push @wrong, "client $n: a ticket under " . key_name($first)
            if key_name($first) ne $main_key
               && key_name($first) ne {keys_of('main')}->{current};

        # as nginx: with a key that still encrypts, only TLS 1.3 sends a new
        # one, since nginx 1.21.6
        push @wrong, "client $n: a new ticket" if $second->{ticket} && !$tls13;

        $pair{"$first->{worker} $second->{worker}"}++
            if $first->{worker} ne $second->{worker};
        last if keys %pair == 2 && $n >= 3;
    }

    is_deeply(\@wrong, [], "$v: every ticket resumes");
    is(scalar keys %pair, 2, "$v: those of one worker on the other and back");


    # The ticket of one name, one scope and one set of rules.

    my $session = "$dir/session.$version.bound";
    $before = counters();

    expect(client('tls', @v, out => $session), 'full',
           "$v: a ticket of a.example", $before, full => 1, resumed => 0,
           resumed_ticket => 0, unknown_key => 0, refused_binding => 0);

    $before = counters();
    expect(client('twin', @v, in => $session), 'ticket',
           "$v: resumes on another listener", $before, full => 0,
           resumed => 1, resumed_ticket => 1, refused_binding => 0);

    for my $name ('A.EXAMPLE', 'a.eXample') {
        expect(client('tls', @v, in => $session, name => $name), 'ticket',
               "$v: and as $name");
    }

    my @cert = (more => ['-cert', "$dir/b.crt", '-key', "$dir/b.key"]);

    for (['another name', 'tls', name => 'b.example'],
         ['a name of no server', 'tls', name => 'c.example'],
         ['no name', 'tls', name => undef, host => 'a.example'],
         ['another scope', 'scope'],
         ['a server that asks for client certificates', 'asks'],
         ['the same with a certificate', 'asks', @cert],
         ['a server that must have one', 'must', @cert],
         ['a name whose server asks for one', 'tls',
          name => 'strict.example'])
    {
        my ($what, $port, @more) = @$_;

        $before = counters();
        expect(client($port, @v, in => $session, @more), 'full',
               "$v: not for $what", $before, full => 1, resumed => 0,
               refused_binding => 1, unknown_key => 0);
    }

    for my $offset (0, 20, 40) {
        my $unknown = $offset ? 0 : 1;

        $before = counters();
        expect(client('tls', @v,
                      in => damage($session, $offset, '5a' x 4)),
               'full', "$v: not with byte $offset damaged", $before,
               full => 1, refused_binding => 1 - $unknown,
               unknown_key => $unknown);
    }

    expect(client('tls', @v, in => $session), 'ticket',
           "$v: but still where it was issued");


    # Client certificates of a session stay with its server.

    my $with = "$dir/session.$version.with";

    expect(client('asks', @v, out => $with, @cert), 'full',
           "$v: a session with a client certificate");
    expect(client('asks', @v, in => $with), 'ticket',
           "$v: resumes where it was asked for");

    $before = counters();
    expect(client('must', @v, in => $with, @cert), 'full',
           "$v: not where the rule is another", $before,
           refused_binding => 1);
    $before = counters();
    expect(client('tls', @v, in => $with), 'full',
           "$v: nor where there is none", $before, refused_binding => 1);

    my $must = "$dir/session.$version.must";

    client('must', @v, out => $must, @cert);
    expect(client('must', @v, in => $must), 'ticket',
           "$v: resumes where one must be shown");


    # Names of all kinds.

    my $nameless = "$dir/session.$version.nameless";

    expect(client('tls', @v, out => $nameless, name => undef), 'full',
           "$v: a ticket without a name");
    expect(client('tls', @v, in => $nameless, name => undef), 'ticket',
           "$v: resumes without a name");

    $before = counters();
    expect(client('tls', @v, in => $nameless), 'full',
           "$v: not with a name", $before, refused_binding => 1);

    for my $name ('a.example.', 'a..example', 'a example', 'a.example:443',
                  '*.example', "\xc3\xa4.example", '-')
    {
        my $odd = "$dir/session.$version.odd";
        my @odd = (@v, name => $name, host => 'a.example');
        my $fine = $name eq '-';

        (my $print = $name) =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;

        my $first = client('tls', @odd, out => $odd);

        expect($first, 'full', "$v: $print is served");
        expect(client('tls', @odd, in => $session), 'full',
               "$v: $print gets no session of a.example");

        if ($fine || $tls13) {
            expect(client('tls', @odd, in => $odd),
                   $fine ? 'ticket' : 'full',
                   "$v: $print resumes " . ($fine ? 'itself' : 'nothing'));
            expect(client('tls', @v, in => $odd), 'full',
                   "$v: $print opens no session of a.example");
        } else {
            is($first->{ticket}, '', "$v: $print gets no ticket");
        }
    }


    # A server that is off on a listener that synchronises: as plain nginx,
    # and none of it is counted.

    my $off = "$dir/session.$version.off";
    my @off = (@v, name => 'off.example');

    $before = counters();

    my $first = client('tls', @off, out => $off);

    is($first->{how}, '', "$v: nothing to say of a server that is off");
    is($first->{reused}, 0, "$v: off: a full handshake");
    ok(length $first->{ticket}, "$v: off: a ticket");
    isnt(key_name($first), {keys_of('main')}->{current},
         "$v: off: not under a shared key");

    my %off;

    for my $n (1 .. 60) {
        my $next = client('tls', @off, in => $off);
        $off{$next->{worker}} += $next->{reused} ? 1 : 1000;
        last if keys %off == 2;
    }

    is(scalar keys %off, 2, "$v: off: its ticket is offered to both workers");
    is(scalar(grep { $_ >= 1000 } values %off), 0, "$v: off: and resumes");

    my $other = client('tls', @off, in => $session);

    is("$other->{how} $other->{reused}", ' 0',
       "$v: off: a shared ticket does not open it");
    is_deeply(counters(), $before, "$v: off: nothing is counted");

    $before = counters();
    expect(client('tls', @v, in => $off), 'full',
           "$v: its ticket opens no server that synchronises", $before,
           full => 1, unknown_key => 1, refused_binding => 0);


    # Without tickets.

    my $id = "$dir/session.$version.id";

    $before = counters();
    $first = client('cached', @v, out => $id);
    expect($first, 'full', "$v: without tickets", $before, full => 1,
           issued => 0);
    is($first->{ticket}, '', "$v: there is no ticket") unless $tls13;

    $before = counters();
    expect(client('cached', @v, in => $id), 'id-local',
           "$v: a session by its ID", $before, full => 0, resumed_id_local => 1,
           resumed_ticket => 0, issued => 0);

    $first = client('uncached', @v, out => $id);

    expect(client('uncached', @v, -s $id ? (in => $id) : ()), 'full',
           "$v: without tickets and cache nothing resumes");

    expect(client('uncached', @v, in => $session), 'full',
           "$v: not even a good ticket");


    # Tickets of a key file, made by an nginx without the module.

    for my $size (80, 48) {
        my $file = "$dir/session.$version.file";
        my $name = unpack 'H*', substr read_file("$dir/$size.key"), 0, 16;

        $first = client("plain$size", @v, out => $file);

        is($first->{how}, 'plain', "$v: plain nginx with $size bytes of key");
        is(substr($first->{ticket}, 0, 32), $name, "$v: its ticket");

        $before = counters();
        my $next = client('file', @v, in => $file, out => "$file.next");
        expect($next, 'ticket', "$v: resumes with the same file", $before,
               resumed => 1, file_key => 1, renewed => 1, issued => 1,
               unknown_key => 0, refused_binding => 0);
        is(key_name($next), {keys_of('main')}->{current},
           "$v: and is renewed under the shared key");
        expect(client('tls', @v, in => "$file.next"), 'ticket',
               "$v: which resumes everywhere");

        $before = counters();
        expect(client('file', @v, in => $file, name => 'b.example'), 'full',
               "$v: not for another name", $before, file_key => 0,
               refused_binding => 1);

        $before = counters();
        expect(client('tls', @v, in => $file), 'full',
               "$v: not where the file is not configured", $before,
               file_key => 0, unknown_key => 1);

        next if $size == 48;

        $before = counters();
        expect(client('asks_file', @v, in => $file), 'full',
               "$v: not where client certificates are asked for", $before,
               file_key => 0, refused_binding => 1);
    }
}


# Rotation: the tickets of before, then those that took their place.

my %under = map { $_ => key_name($first{$_}) } qw(1_2 1_3);

for my $rotation (1, 2) {
    for my $version ('1_2', '1_3') {
        my $session = "$dir/session.roll.$version";

        ok(until_true(sub {
            %now = keys_of('roll');
            return $now{current} && $now{current} ne $under{$version};
        }), "$version, rotation $rotation: another key is the current one");

        %begin = %now;

        $before = counters('roll');
        my $next = client('roll', version => $version, in => $session,
                          out => "$session.next");
        expect($next, 'ticket', "$version: the ticket still resumes",
               $before, cluster => 'roll', resumed => 1, renewed => 1,
               issued => 1, full => 0);

        %now = keys_of('roll');
        ok(key_name($next) eq $begin{current}
           || key_name($next) eq ($now{current} // ''),
           "$version: and is renewed under the new key");

        $under{$version} = key_name($next);

        rename "$session.next", $session or die $!;
    }
}


# A key that is forgotten. TLS 1.2: a client of 1.3 no longer offers a ticket
# beyond its lifetime.

ok(until_true(sub {
    my $keys = clusters($port{status})->{quick}{keys} // [];
    return @$keys && !grep { $_->{name} eq key_name($short) } @$keys;
}), 'the key is forgotten');

$before = counters('quick');
expect(client('quick', version => '1_2', in => "$dir/session.quick"), 'full',
       'nothing opens its ticket', $before, cluster => 'quick', full => 1,
       unknown_key => 1, refused_binding => 0);

stop_nginx($nginx);
stop_nginx($plain);

unlike(error_log($nginx), qr/\[(alert|emerg|crit|error)\]/,
       'nothing grave in the error log');

done_testing();
