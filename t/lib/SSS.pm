package SSS;

# What the files t/*.t have in common: where nginx and the modules are,
# certificates, secret files, and TLS clients.  To be used before Test::Nginx.

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use IPC::Open3 qw(open3);
use JSON::PP qw(decode_json);
use MIME::Base64 qw(decode_base64 encode_base64);
use POSIX ();
use Time::HiRes qw(time);

our @EXPORT = qw(
    directory secret_file until_true read_file write_file free_port
    start_nginx stop_nginx reload_nginx test_nginx workers has_module
    start_memcached
    http_get http_answer status clusters tls_client handshake
    damage nginx_preload error_log
);

my $top = abs_path(dirname(__FILE__) . '/../..');
my $owner = $$;
my $directory = tempdir('sss-XXXXXXXX', TMPDIR => 1);
my @started;

my $nginx = $ENV{SSS_NGINX} || 'nginx';
my $modules = $ENV{SSS_MODULES} || "$top/build/modules";

$ENV{PATH} .= ':/usr/sbin:/sbin';

# So that END is reached, and nobody takes what there is for a success.
my $interrupted;
$SIG{$_} = sub { $interrupted = 1; exit 1 } for qw(HUP INT TERM);

# Workers of a test that root runs are another user's.
chmod 0755, $directory;

sub directory { return $directory }

sub read_file {
    my ($name) = @_;

    open my $fh, '<', $name or return;
    local $/;
    return scalar <$fh>;
}

sub write_file {
    my ($name, $text, $mode) = @_;

    open my $fh, '>', $name or die "$name: $!";
    print $fh $text;
    close $fh or die "$name: $!";
    chmod $mode, $name if defined $mode;
    return $name;
}

# A file of secrets in the test's directory.

sub secret_file {
    my ($name, $text, $mode) = @_;

    return write_file("$directory/$name", $text, $mode // 0600);
}

# Asks again until the answer is true, for a minute at the most.

sub until_true {
    my ($ask, $seconds) = @_;

    my $end = time + ($seconds // 60);

    for (;;) {
        my $answer = $ask->();
        return $answer if $answer || time > $end;
        select(undef, undef, undef, 0.02);
    }
}

# Not one of those that the kernel gives away by itself.

my %given;

sub free_port {
    for (;;) {
        my $port = 10000 + int rand 22000;
        next if $given{$port};

        my $socket = IO::Socket::INET->new(Listen => 1,
                                           LocalAddr => "127.0.0.1:$port")
            or next;
        $given{$port} = 1;
        return $port;
    }
}


# Where Debian has stream and mail as modules of their own, they come before
# ours.

sub load_modules {
    my $built = `$nginx -V 2>&1`;
    my $path = $built =~ /--modules-path=(\S+)/ ? $1 : 'modules';
    my @files;

    for my $name (qw(stream mail)) {
        next if $built =~ /--with-$name(?:\s|$)/;

        # Debian 11 builds them apart, without a word of it in "nginx -V"
        my $file = "$path/ngx_${name}_module.so";
        push @files, $file if -e $file || $built =~ /--with-$name=dynamic/;
    }

    for my $name (qw(ngx_ssl ngx_stream_ssl ngx_mail_ssl)) {
        my $file = "$modules/${name}_session_sync_module.so";
        push @files, $file if -e $file;
    }

    return @files;
}

# Whether nginx has stream or mail, and we a module for it. Linked into nginx
# there are all of them.

sub has_module {
    my ($name) = @_;

    return 1 if !-e "$modules/ngx_ssl_session_sync_module.so";
    return -e "$modules/ngx_${name}_ssl_session_sync_module.so";
}

sub nginx_preload {
    return $ENV{SSS_NGINX_PRELOAD} ? (LD_PRELOAD => $ENV{SSS_NGINX_PRELOAD})
                                   : ();
}

# A directory for an nginx.

my $prefixes = 0;

sub prefix {
    my $prefix = "$directory/nginx" . $prefixes++;

    mkdir $prefix or die $!;
    mkdir "$prefix/logs" or die $!;
    return $prefix;
}

sub configure {
    my ($prefix, $conf, $plain) = @_;

    my $load = join '', map { "load_module $_;\n" }
                    grep { !$plain || !/ssl_session_sync/ } load_modules();

    write_file("$prefix/nginx.conf",
               "daemon off;\npid $prefix/nginx.pid;\n"
               . "error_log $prefix/error.log info;\n$load$conf");
}

sub execute {
    my ($prefix, $user, @more) = @_;

    my $pid = fork;
    die "fork: $!" unless defined $pid;
    return $pid if $pid;

    my %preload = nginx_preload();
    @ENV{keys %preload} = values %preload;
    open STDOUT, '>', "$prefix/stderr";
    open STDERR, '>&', \*STDOUT;
    POSIX::setgid($user), POSIX::setuid($user) if $user;
    exec $nginx, '-p', "$prefix/", log_option("$prefix/error.log"),
         '-c', "$prefix/nginx.conf", @more or POSIX::_exit(127);
}

# Where nginx writes before it has read the configuration; those before 1.19.5
# have no say in it.

sub log_option {
    my ($file) = @_;

    return nginx_since(1, 19, 5) ? ('-e', $file) : ();
}

sub nginx_since {
    my @want = @_;

    my @have = `$nginx -V 2>&1` =~ m{(?:nginx|openresty)/(\d+)\.(\d+)\.(\d+)};

    return ($have[0] <=> $want[0] || $have[1] <=> $want[1]
            || $have[2] <=> $want[2]) >= 0;
}

# Starts nginx with a configuration, in the foreground; stop_nginx() or the end
# of the test stops it.  A plain one is without our modules.

sub start_nginx {
    my ($conf, $plain) = @_;

    my $prefix = prefix();

    configure($prefix, $conf, $plain);

    my $server = { pid => execute($prefix), prefix => $prefix };
    push @started, $server;

    until_true(sub { -s "$prefix/nginx.pid" || ended($server) });
    die "nginx did not start:\n" . (read_file("$prefix/error.log") // '')
        if ended($server);

    return $server;
}

# What "nginx -t" ends with and says, undef if it does not end: as another
# user, if one is given by number.

sub test_nginx {
    my ($conf, $user) = @_;

    my $prefix = prefix();

    configure($prefix, $conf);
    chown $user, -1, $prefix, "$prefix/logs" if $user;

    my $server = { pid => execute($prefix, $user, '-t'), prefix => $prefix };

    until_true(sub { ended($server) });

    my $ended = ended($server);

    if (!$ended) {
        kill KILL => $server->{pid};
        until_true(sub { ended($server) });
    }

    return ($ended ? $server->{status} : undef,
            read_file("$prefix/stderr") // '');
}

# Reloads with this configuration; true when nothing but new workers is left.

sub reload_nginx {
    my ($server, $conf) = @_;

    my %old = map { $_ => 1 } workers($server);

    configure($server->{prefix}, $conf);
    kill HUP => $server->{pid};

    return until_true(sub {
        my @now = workers($server);
        return @now && !grep { $old{$_} } @now;
    });
}

# Processes whose parent is the master.

sub workers {
    my ($server) = @_;

    my @workers;

    for my $file (glob '/proc/[0-9]*/stat') {
        my $stat = read_file($file) or next;
        push @workers, $1
            if $stat =~ /^(\d+) \(.*\) [^ZX] (\d+) /s
               && $2 == $server->{pid};
    }

    return sort { $a <=> $b } @workers;
}

# A memcached on a port of its own, which stop_nginx() or the end of the test
# stops as well.

sub start_memcached {
    my $port = free_port();
    my @user = $> ? () : ('-u', getpwnam('nobody') ? 'nobody' : 'root');

    my $pid = fork;
    die "fork: $!" unless defined $pid;

    if ($pid == 0) {
        exec 'memcached', '-l', '127.0.0.1', '-p', $port, '-U', 0, '-m', 4,
             '-t', 1, @user or POSIX::_exit(127);
    }

    my $server = { pid => $pid, port => $port };
    push @started, $server;

    until_true(sub {
        return ended($server)
               || IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port");
    });
    die 'memcached did not start' if ended($server);

    return $server;
}

sub error_log {
    my ($server) = @_;

    return read_file("$server->{prefix}/error.log") // '';
}

sub ended {
    my ($server) = @_;

    return 1 if !$server->{pid};
    return 0 if waitpid($server->{pid}, POSIX::WNOHANG()) == 0;
    $server->{status} = $?;
    $server->{pid} = 0;
    return 1;
}

sub stop_nginx {
    my ($server) = @_;

    return if ended($server);
    kill $server->{prefix} ? 'QUIT' : 'TERM', $server->{pid};
    return if until_true(sub { ended($server) });
    kill KILL => $server->{pid};
    until_true(sub { ended($server) });
}

# The whole answer to a request without a body.

sub http_answer {
    my ($port, $request) = @_;

    my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port",
                                       Timeout => 30) or return '';
    print $socket "$request HTTP/1.0\r\nHost: a.example\r\n\r\n";
    local $/;
    return scalar <$socket> // '';
}

sub http_get {
    my ($port, $path) = @_;

    return http_answer($port, "GET $path")
               =~ /^HTTP\/1\.1 200 .*?\r\n\r\n(.*)/s ? $1 : undef;
}

# What ssl_session_sync_status says at "/status", and its clusters by name.

sub status {
    my ($port) = @_;

    my $text = http_get($port, '/status') or return;
    return eval { decode_json($text) };
}

sub clusters {
    my ($port) = @_;

    my $status = status($port) or return {};
    return { map { $_->{name} => $_ } @{$status->{clusters}} };
}

# One request by openssl s_client.  Returns the body; the session goes to and
# comes from files.

sub tls_client {
    my ($port, %want) = @_;

    my @command = ('timeout', 60, 'openssl', 's_client', '-quiet',
                   '-no_ign_eof', '-connect', "127.0.0.1:$port",
                   '-servername', $want{name} // 'a.example',
                   $want{version} ? "-tls$want{version}" : ());
    push @command, '-sess_out', $want{out} if $want{out};
    push @command, '-sess_in', $want{in} if $want{in};

    open my $null, '>', '/dev/null' or die $!;
    my $pid = open3(my $in, my $out, '>&' . fileno($null), @command);
    local $SIG{PIPE} = 'IGNORE';
    print $in 'GET ' . ($want{path} // '/') . " HTTP/1.0\r\n"
              . 'Host: ' . ($want{name} // 'a.example') . "\r\n\r\n";
    $in->flush;

    local $/;
    my $answer = <$out> // '';
    close $in;
    waitpid $pid, 0;

    return $answer =~ /^HTTP\/1\.1 200 .*?\r\n\r\n(.*)/s ? $1 : undef;
}


# The same, with what the client has to say: whether it was answered and with
# what, whether its session was resumed, and the ticket that came with it, in
# hex.  "name" may be undef, for no server name.

sub handshake {
    my ($port, %want) = @_;

    my $name = exists $want{name} ? $want{name} : 'a.example';
    my $out = $want{out} // "$directory/last.session";
    my @name = defined $name ? ('-servername', $name) : ('-noservername');

    unlink $out;

    my @command = ('timeout', 60, 'openssl', 's_client', '-ign_eof',
                   '-connect', "127.0.0.1:$port", @name,
                   '-sess_out', $out,
                   $want{in} ? ('-sess_in', $want{in}) : (),
                   $want{version} ? "-tls$want{version}" : (),
                   @{$want{more} // []});

    my $pid = open3(my $in, my $answer, undef, @command);
    local $SIG{PIPE} = 'IGNORE';
    print $in 'GET ' . ($want{path} // '/') . " HTTP/1.0\r\n"
              . 'Host: ' . ($want{host} // $name // 'a.example')
              . "\r\n\r\n";
    $in->flush;

    my $text = do { local $/; scalar <$answer> } // '';
    close $in;
    waitpid $pid, 0;

    # may be written into the middle of a line of what s_client itself says
    my $body = $text =~ s/HTTP\/1\.1 200 .*?\r\n\r\n\[(.*?)\]//s ? $1 : undef;
    my ($new) = $text =~ /^(New|Reused), TLSv/m;

    # s_client writes no session when TLS 1.2 renews a ticket

    if ($want{in} && !-s $out) {
        my $ticket = printed_ticket($text);

        with_ticket($want{in}, $ticket, $out)
            if length $ticket && $ticket ne ticket($want{in});
    }

    return {
        text    => $text,
        body    => $body // 'no answer',
        reused  => ($new // '') eq 'Reused' ? 1 : 0,
        session => $out,
        ticket  => ticket($out),
    };
}

sub ticket {
    my ($session) = @_;

    return '' unless -s $session;
    return printed_ticket(scalar `openssl sess_id -in $session -noout -text`);
}

sub printed_ticket {
    my ($text) = @_;

    my ($dump) = $text =~ /TLS session ticket:\n((?:\s+[0-9a-f]+ - .*\n)+)/;
    my $hex = '';

    for my $line (split /\n/, $dump // '') {
        my ($bytes) = $line =~ /^\s+[0-9a-f]+ - ((?:[0-9a-f]{2}[ -]){1,16})/;
        $bytes =~ tr/0-9a-f//cd;
        $hex .= $bytes;
    }

    return $hex;
}

# A file with the session, of whose ticket some bytes are others: these, in
# hex, from there on.

sub damage {
    my ($session, $offset, $hex) = @_;

    my $ticket = ticket($session);

    substr($ticket, 2 * $offset, length $hex) = $hex;

    return with_ticket($session, $ticket, "$directory/damaged.session");
}

# A file with the session and another ticket.  A session is a SEQUENCE, and the
# ticket an OCTET STRING in it with an explicit tag of 10.

sub with_ticket {
    my ($session, $ticket, $file) = @_;

    my ($label, $base64) = read_file($session)
                           =~ /-----BEGIN (.*?)-----\n(.*?)-----END/s;
    my $old = tagged("\xaa", tagged("\x04", pack 'H*', ticket($session)));
    my $new = tagged("\xaa", tagged("\x04", pack 'H*', $ticket));
    my $der = decode_base64($base64);

    die 'a session that is not understood'
        unless $der =~ s/\A\x30(?:[\0-\x7f]|\x81.|\x82..)//s
               && $der =~ s/\Q$old\E/$new/;

    return write_file($file, "-----BEGIN $label-----\n"
                             . encode_base64(tagged("\x30", $der))
                             . "-----END $label-----\n");
}

sub tagged {
    my ($tag, $bytes) = @_;

    my $n = length $bytes;
    my $length = $n < 128 ? chr $n
                          : $n < 256 ? "\x81" . chr $n
                                     : "\x82" . pack('n', $n);
    return $tag . $length . $bytes;
}


# For all: certificates, a good secret file, and Test::Nginx's settings.

for my $name (qw(a b)) {
    system('openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 '
           . "-nodes -days 2 -subj /CN=$name.example "
           . "-addext subjectAltName=DNS:$name.example "
           . "-keyout $directory/$name.key -out $directory/$name.crt "
           . '>/dev/null 2>&1') == 0 or die 'openssl req failed';
}

secret_file('good.secret', "# the only one\n" . '0123456789abcdef' x 4 . "\n");

$ENV{SSS_OLD_NGINX} = $nginx;
$ENV{TEST_NGINX_BINARY} = nginx_since(1, 19, 5) ? $nginx
                                                : "$top/t/lib/old-nginx";
$ENV{TEST_NGINX_LOAD_MODULES} = join ' ', load_modules();
$ENV{TEST_NGINX_RANDOMIZE} = 1;
$ENV{TEST_NGINX_LD_PRELOAD} = $ENV{SSS_NGINX_PRELOAD}
    if $ENV{SSS_NGINX_PRELOAD};
$ENV{TEST_NGINX_DIR} = $directory;
$ENV{TEST_NGINX_TIMEOUT} //= 30;

# Test::Nginx makes its t/servroot_* where it is started.
mkdir "$directory/t" or die $!;
chdir $directory or die $!;


END {
    if ($$ == $owner) {
        my $status = $interrupted ? 1 : $?;
        stop_nginx($_) for @started;
        chdir '/';
        system('rm', '-rf', $directory);
        $? = $status;
    }
}

1;
