#!/usr/bin/perl

# What ssl_session_sync_status answers: JSON with stable names, and the text
# format of Prometheus, both from the same numbers; and the defaults.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP qw(decode_json);
use SSS;
use Test::More;

my $secret = secret_file('status.secret', 'fedcba9876543210' x 4);
my $dir = directory();
my ($tls, $off, $status, $dead) = map { free_port() } 1 .. 4;

my $nginx = start_nginx(<<"END");
worker_processes 2;

ssl_session_sync_cluster main { }

ssl_session_sync_cluster far {
    memcached     127.0.0.1:$dead weight=3;
    secret_file   $secret;
    namespace     "a \\"quoted\\" name";
    key_rotation  8s;
    poll_interval 200ms;
}

events { }

http {
    access_log          off;
    ssl_certificate     $dir/a.crt;
    ssl_certificate_key $dir/a.key;

    server {
        listen              127.0.0.1:$tls ssl;
        server_name         a.example;
        ssl_session_sync    main;
        ssl_session_timeout 7m;
        return              200 \$ssl_session_sync;
    }

    server {
        listen              127.0.0.1:$off ssl;
        ssl_session_sync    far;
        return              200 \$ssl_session_sync;
    }

    server {
        listen 127.0.0.1:$status;

        location = /status { ssl_session_sync_status; }
    }
}
END

sub clusters {
    my $text = http_get($status, '/status') or return {};
    my $json = eval { decode_json($text) } or return {};
    return { map { $_->{name} => $_ } @{$json->{clusters}} };
}

# Both clusters have polled, so that nothing is "starting".

ok(until_true(sub {
    my $now = clusters();
    return ($now->{main}{state} // '') eq 'local'
           && ($now->{far}{state} // '') eq 'cut off'
           && @{$now->{main}{keys}} && @{$now->{far}{keys}};
}), 'both clusters have keys and a state') or diag(http_get($status, '/status'));


# The whole of it.

my $answer = http_get($status, '/status');
my $json = eval { decode_json($answer) };

ok($json, 'the answer is JSON') or BAIL_OUT($answer // 'no answer');

like($json->{version}, qr/^\d+\.\d+\.\d+$/, 'version');
like($json->{nginx}, qr/^\d+\.\d+\.\d+$/, 'version of nginx');
like($json->{openssl}, qr/\d/, 'version of OpenSSL');
cmp_ok(abs($json->{time} - time), '<', 60, 'time');
ok(length $json->{host}, 'host');
like($json->{pid}, qr/^\d+$/, 'pid');
is(scalar @{$json->{clusters}}, 2, 'two clusters');

my %cluster = map { $_->{name} => $_ } @{$json->{clusters}};
my ($main, $far) = @cluster{qw(main far)};

is($main->{namespace}, 'main', 'the namespace is the name by default');
is($main->{state}, 'local', 'without memcached the state is local');
is($main->{key_rotation}, 3600, 'keys rotate in an hour by default');
is($main->{poll_interval_ms}, 2000, 'a poll in two seconds by default');
is($main->{retention}, 420, 'retention is the longest session timeout');
is_deeply($main->{servers}, [], 'no memcached server');
like($main->{speaker}, qr/^\d+$/, 'one worker speaks');
cmp_ok($main->{ring_version}, '>', 0, 'the ring has a version');
cmp_ok($main->{ring_capacity}, '>', 0, 'and a capacity');
ok(!$main->{foreign_secret}, 'no other secret');
ok(!$main->{clock_warning}, 'no warning of clocks');

is($far->{namespace}, 'a "quoted" name', 'the namespace is quoted');
is($far->{state}, 'cut off', 'without an answer the state is cut off');
is($far->{key_rotation}, 8, 'rotation as configured');
is($far->{poll_interval_ms}, 200, 'poll interval as configured');
is($far->{retention}, 300, 'retention is the default session timeout');

my $server = $far->{servers}[0];

is($server->{address}, "127.0.0.1:$dead", 'address of the server');
is($server->{weight}, 3, 'weight');
is($server->{state}, 'down', 'state');
cmp_ok($server->{errors}, '>', 0, 'errors');
ok(length $server->{error}, 'the last error');
ok(!$server->{last_success}, 'no success');
is($server->{clock_diff}, undef, 'its clock is unknown');
for my $name (qw(polls bad_records writes conflicts latency_us keys)) {
    like($server->{$name}, qr/^\d+$/, "$name is a number");
}

my ($current) = grep { $_->{role} eq 'current' } @{$main->{keys}};

ok($current, 'there is a current key') or BAIL_OUT($answer);
like($current->{name}, qr/^[0-9a-f]{8}$/, 'eight digits of its name are shown');
is($current->{rotation}, 3600, 'its rotation');
is($current->{starts}, $current->{slot} * 3600, 'its slot begins');
is($current->{ends}, $current->{starts} + 3600, 'and ends');
is($current->{expires}, $current->{ends} + 420 + 1800,
   'it is kept for as long as tickets live, and half a rotation');

is_deeply([sort keys %{$main->{tickets}}],
          [qw(file_key issued refused_binding renewed resumed unknown_key)],
          'counters of tickets');
is_deeply([sort keys %{$main->{handshakes}}],
          [qw(full resumed_id resumed_ticket)], 'counters of handshakes');
is($main->{handshakes}{full}, 0, 'no handshake yet');


# The numbers move, and Prometheus gets the same.

is(tls_client($tls, version => '1_2', out => "$dir/s1"), 'full', 'a handshake');
is(tls_client($tls, version => '1_2', in => "$dir/s1"), 'ticket',
   'a resumption');

$main = clusters()->{main};

is($main->{handshakes}{full}, 1, 'the handshake is counted');
is($main->{handshakes}{resumed_ticket}, 1, 'the resumption is counted');
is($main->{tickets}{issued}, 1, 'the ticket is counted');
is($main->{tickets}{resumed}, 1, 'its use is counted');

my $text = http_get($status, '/status?format=prometheus');
my (%type, %value, @bad);

for my $line (split /\n/, $text) {
    if ($line =~ /^# TYPE (\w+) (counter|gauge)$/) {
        push @bad, $line if $type{$1}++;

    } elsif ($line =~ /^# HELP \w+ \S/) {
        next;

    } elsif ($line =~ /^(\w+)(\{(?:\w+="(?:[^"\\\n]|\\["\\n])*",?)*\})?
                       \ (-?[0-9.]+(?:e[+-]?\d+)?)$/x)
    {
        push @bad, $line if exists $value{$1 . ($2 // '')} || !$type{$1};
        $value{$1 . ($2 // '')} = $3;

    } else {
        push @bad, $line;
    }
}

is_deeply(\@bad, [], 'every line is of the text format, with a type before');
like($text, qr/\n\z/, 'the last line is a whole one');

my ($full) = grep { /^ssl_session_sync_handshakes_total\{.*cluster="main"/
                    && /="full"/ } keys %value;
my ($resumed) = grep { /^ssl_session_sync_tickets_total\{.*cluster="main"/
                       && /="resumed"/ } keys %value;

ok($full, 'handshakes of the cluster') or diag($text);
is($value{$full // ''}, 1, 'the same number of handshakes');
ok($resumed, 'tickets of the cluster');
is($value{$resumed // ''}, 1, 'the same number of tickets');

my ($up) = grep { /^ssl_session_sync_server_up\{/ } keys %value;

like($up // '', qr/127\.0\.0\.1:$dead/, 'the server by its address');
is($value{$up // ''}, 0, 'which is down');


# How it is asked.

sub head {
    my ($request) = @_;

    my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$status",
                                       Timeout => 5) or return '';
    print $socket "$request HTTP/1.0\r\n\r\n";
    local $/;
    return scalar <$socket> // '';
}

like(head('GET /status'), qr/^Content-Type: application\/json\r$/m,
     'the type of JSON');
like(head('GET /status?format=prometheus'),
     qr/^Content-Type: text\/plain; version=0\.0\.4\r?/m,
     'the type of Prometheus');
my $alone = head('HEAD /status');
like($alone, qr/^HTTP\/1\.1 200 /, 'HEAD is answered');
like($alone, qr/\r\n\r\n\z/, 'without a body');
like(head('POST /status'), qr/^HTTP\/1\.1 405 /, 'POST is not allowed');

stop_nginx($nginx);

unlike(read_file("$nginx->{prefix}/error.log"), qr/\[(alert|emerg|crit)\]/,
       'nothing grave in the error log');

done_testing();
