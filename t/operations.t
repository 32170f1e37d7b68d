#!/usr/bin/perl

# What docs/operations.md tells an operator to type and to watch: its commands
# run on nginx and memcached as configured there, its alert rules and the names
# in its text are those of the module's answers.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SSS;
use Test::More;

my $page = read_file("$FindBin::Bin/../docs/operations.md");
my $dir = directory();

# The examples of a language, without their indentation.

sub examples {
    my ($language) = @_;

    my @found;

    while ($page =~ /^( *)```$language\n(.*?)^\1```/msg) {
        my ($indent, $text) = ($1, $2);

        $text =~ s/^$indent//mg;
        push @found, $text;
    }

    return @found;
}

# The one example with this in it.

sub example {
    my ($language, $part) = @_;

    my @found = grep { /$part/ } examples($language);

    is(@found, 1, "an example of $part");
    return $found[0] // '';
}

sub openssl_files {
    my ($prefix) = @_;

    system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
           . "-nodes -days 2 -subj /CN=a.example -keyout $prefix/key.pem "
           . "-out $prefix/cert.pem >/dev/null 2>&1") == 0
        or die 'openssl req failed';
}

my %port = map { $_ => free_port() } qw(memcached tls status);
my $secret = "$dir/session_sync.secret";
my ($nginx, $memcached);

# An example as it is on this machine.

sub here {
    my ($text) = @_;

    $text =~ s{/etc/nginx/}{$dir/}g;
    $text =~ s{127\.0\.0\.1:8080}{127.0.0.1:$port{status}}g;
    $text =~ s{127\.0\.0\.1:8443}{127.0.0.1:$port{tls}}g;
    $text =~ s{\blogs/}{$nginx->{prefix}/logs/}g if $nginx;
    return $text;
}

sub run_example {
    my ($command) = @_;

    my $out = here($command);

    $out = `(set -e; $out) 2>&1`;
    is($?, 0, 'it works: ' . join '; ', split /\n/, $command) or diag($out);
    return $out;
}

sub lines {
    return grep { /^[0-9a-f]{64}$/ } split /\n/, read_file($secret);
}


# memcached and the secret

my $start = example('sh', 'memcached -d');

$start =~ s/-d -u nobody -l \S+/-u nobody -l 127.0.0.1 -p $port{memcached} -U 0/
    or die $start;
$start =~ s/-u nobody //
    if $> || !getpwnam('nobody');

$memcached = fork // die "fork: $!";
if ($memcached == 0) {
    exec split ' ', $start or POSIX::_exit(127);
}

END {
    local $?;
    if ($memcached) {
        kill TERM => $memcached;
        waitpid $memcached, 0;
    }
}

run_example(example('sh', 'umask 077'));
is(scalar(lines()), 1, 'the file has a secret');
is((stat $secret)[2] & 0777, 0600, 'which is for root');


# the first host, and the log

my $conf = example('nginx', 'location = /session_sync');
my $log = example('nginx', 'log_format');

openssl_files($dir);

$conf =~ s/^load_module .*\n//mg;
$conf =~ s/^ *memcached .*\n//mg;
$conf =~ s/secret_file .*;/secret_file $secret;\n
           memcached 127.0.0.1:$port{memcached};\n
           poll_interval 200ms;/;
$conf =~ s{(cert|key)\.pem}{$dir/$1.pem}g;
$conf =~ s/^http \{\n/http {\n$log/m;

$nginx = start_nginx(here($conf));

ok(until_true(sub {
    my $main = (clusters_here())->{main} or return;
    return $main->{state} eq 'ok'
           && defined $main->{servers}[0]{clock_diff};
}), 'the host has found memcached');

sub clusters_here {
    my $text = http_get($port{status}, '/session_sync') or return {};
    my $status = JSON::PP::decode_json($text);
    return { map { $_->{name} => $_ } @{$status->{clusters}} };
}

my $reload = example('sh', 'nginx -s reload');
my $binary = $ENV{SSS_NGINX} || 'nginx';
my %preload = nginx_preload();
my $wrapped = join ' ', (map { "$_=$preload{$_}" } keys %preload), $binary;

$reload =~ s{nginx (-t|-s)}
            {env $wrapped -p $nginx->{prefix}/ -c $nginx->{prefix}/nginx.conf $1}g;

my $json = run_example($reload);

like($json, qr/"state":"ok"/, 'the state is ok');
like($json, qr/"servers":\[\{[^}]*"state":"up"/, 'the server is up');
like($json, qr/"role":"current"/, 'there is a current key');


# what to watch

my $rules = read_file("$FindBin::Bin/../docs/prometheus.rules.yml");
my $metrics = http_get($port{status}, '/session_sync?format=prometheus');
my @expressions = map { s/^\|\n//r =~ s/\s+/ /gr }
                  $rules =~ /^ +expr: (\|\n(?: {6}.*\n)+|.*)/mg;
my $alerts = () = $rules =~ /^  - (?:alert|record): \S+$/mg;

cmp_ok($alerts, '>=', 10, 'there are rules');
is(@expressions, $alerts, 'each with an expression');

my (%names, %labels);

for my $expression (@expressions) {
    # with a colon it is the name of another rule
    $names{$_}++ for $expression =~ /(?<!:)\b(ssl_session_sync_\w+)/g;
    $labels{$_}++ for $expression =~ /\b(\w+!?=\s*"[^"]*")/g;

    my %open = ('(' => ')', '{' => '}', '[' => ']');
    my @stack;
    my $rest = $expression =~ s/"[^"]*"//gr;

    for my $c ($rest =~ /[(){}\[\]]/g) {
        if ($open{$c}) { push @stack, $open{$c}; next }
        push @stack, 'x' if ($stack[-1] // '') ne $c;
        pop @stack;
    }
    is(@stack, 0, "balanced: $expression");
}

like($metrics, qr/^\Q$_\E\{/m, "$_ is a metric") for sort keys %names;

for my $label (sort keys %labels) {
    my ($name, $value) = $label =~ /^(\w+)!?=\s*"([^"]*)"/;
    like($metrics, qr/[{,]\Q$name\E="\Q$value\E"/, "$label is a label");
}

my ($named) = $page =~ /^In JSON these are (.*?)^How the/ms;

for my $word ($named =~ /`(\w+)`/g) {
    like($json, qr/"\Q$word\E":/, "$word is in JSON") if $word ne 'forged';
}

for my $word (qw(latency_us timeouts misses writes failures dropped
                 unknown_key refused_binding forged)) {
    like($page, qr/`$word`/, "$word is on the page");
    like($json, qr/"$word":/, 'and in JSON');
}


# the log

tls_client($port{tls});

my $awk = example('sh', 'awk');

ok(until_true(sub { `(@{[here($awk)]}) 2>&1` =~ /^full [1-9]/m }),
   'the log says how connections came about');


# the secret is changed

my ($old) = lines();

run_example(example('sh', 'hex 32 >> '));

my @secrets = lines();

is(@secrets, 2, 'a new secret was added');
is($secrets[0], $old, 'behind the old one');

run_example(example('sh', '1\{h;d\}'));
is_deeply([lines()], [reverse @secrets], 'it moved to the top');

run_example(example('sh', q{'\$d'}));
is_deeply([lines()], [$secrets[1]], 'the old one went');
is((stat $secret)[2] & 0777, 0600, 'the file is for root still');


# what errors say

my $source = join '', map { read_file($_) } glob "$FindBin::Bin/../src/*.[ch]";

for my $text ('timed out', 'Too many open connections',
              'the resolver does not answer',
              'the name could not be resolved',
              'it keeps no versions of items',
              'it takes no record that is as large as the keys are',
              'it takes no writes', 'it loses what was written',
              'keeps no versions of items') {
    like($page, qr/`$text`/, "$text is on the page");
    like($source, qr/\Q$text\E/, 'and in the source');
}


# what is staged

my $staging = read_file("$FindBin::Bin/cluster/staging.conf");

like($page, qr/starts four hosts, three memcached servers/, 'so the page');
like($staging, qr/^hosts += 4$/m, 'four hosts');
like($staging, qr/^memcached += 3$/m, 'three memcached servers');

stop_nginx($nginx);
done_testing();
