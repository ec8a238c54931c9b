"""Ways out of a sandbox that are tried on every tier; each must raise, or find nothing.

They are one program, which tries each in a fork of itself and prints the names of what worked.
"""

PRELUDE = """
import ctypes, errno, fcntl, os, resource, signal, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
X86 = os.uname().machine == "x86_64"
room = lambda size=4096: ctypes.create_string_buffer(size)
def call(x86, arm, *arguments):
    result = libc.syscall(x86 if X86 else arm, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
def must(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
"""

ESCAPES = {
    # /proc
    "write the first process's memory": "open('/proc/1/mem', 'r+b')",
    "map the first process": "open('/proc/1/maps').read()",
    "follow the first process's files": "os.listdir('/proc/1/map_files')",
    "read a host's environment": "open('/proc/{bystander}/environ', 'rb').read()",
    "read the parent's environment by a detour": "open('/proc/self/task/../../1/environ').read()",
    "enter by a host's working folder": "os.listdir('/proc/{bystander}/cwd/')",
    "enter by a host's root": "open('/proc/{bystander}/root' + {secret!r}).read()",
    "overwrite the program that runs": "open('/proc/self/exe', 'r+b')",
    "handle core dumps": "open('/proc/sys/kernel/core_pattern', 'w').write('|/tmp/x')",
    "load by another program": "open('/proc/sys/kernel/modprobe', 'w').write('/tmp/x')",
    "register a format of programs": "open('/proc/sys/fs/binfmt_misc/register', 'w').write('x')",
    "drop caches": "open('/proc/sys/vm/drop_caches', 'w').write('3')",
    "allow more memory": "open('/proc/sys/vm/overcommit_memory', 'w').write('1')",
    "read the kernel's pages": "open('/proc/kpageflags', 'rb').read(8)",
    "read the kernel's memory": "open('/dev/mem', 'rb').read(1)",
    "be a hypervisor": "os.open('/dev/kvm', os.O_RDWR)",
    "mount in user space": "os.open('/dev/fuse', os.O_RDWR)",
    "make a network device": "os.open('/dev/net/tun', os.O_RDWR)",
    "write to the kernel's log": "os.open('/dev/kmsg', os.O_WRONLY)",
    "handle page faults by a device": "os.open('/dev/userfaultfd', os.O_RDWR)",
    "leave the group": "open('/sys/fs/cgroup/cgroup.procs', 'w').write('0')",
    "run at a group's end": "open('/sys/fs/cgroup/memory/release_agent', 'w').write('/tmp/x')",
    "read what modules there are": "os.listdir('/sys/module')",
    # calls into the kernel
    "enter io_uring": "call(426, 426, 0, 1, 0, 0, 0, 0)",
    "register with io_uring": "call(427, 427, 0, 0, 0, 0)",
    "write memory across": "call(311, 271, 1, room(16), 1, room(16), 1, 0)",
    "ask for a file's handle": "call(303, 264, -100, b'/', room(136), room(8), 0)",
    "mount what was configured": "call(432, 432, 0, 0, 0)",
    "move a mount": "call(429, 429, -100, b'/tmp', -100, b'/mnt', 0)",
    "pick a file system": "call(433, 433, -100, b'/', 0)",
    "ask a server for a key": "call(249, 218, b'user', b'k', b'v', -3)",
    "hide memory from the kernel": "call(447, 447, 0)",
    "give pages away": "call(278, 75, 1, room(16), 1, 0)",
    "swap": "call(167, 224, b'/tmp/swap', 0)",
    "stop swapping": "call(168, 225, b'/tmp/swap')",
    "reboot": "call(169, 142, 0xfee1dead, 672274793, 0x89abcdef, 0)",
    "set the time of day": "call(164, 170, struct.pack('qq', 0, 0), 0)",
    "bend the clock": "call(159, 171, struct.pack('i', 1) + bytes(204))",
    "bend another clock": "call(305, 266, 0, struct.pack('i', 1) + bytes(204))",
    "set quotas": "call(179, 60, 0x80000300, b'/', 0, 0)",
    "keep accounts": "call(163, 89, b'/tmp/accounts')",
    "load a module": "call(175, 105, room(), 4096, b'')",
    "unload a module": "call(176, 106, b'loop', 0)",
    "execute a kernel from a file": "call(320, 294, 0, 0, 0, 0, 0)",
    "open ports of the machine": "call(172, -1, 3)",
    "open one port": "call(173, -1, 0x80, 1, 1)",
    "change segments": "call(154, -1, 1, room(16), 16)",
    "load a library as of old": "call(134, -1, b'/bin/sh')",
    "mark for fanotify": "call(301, 263, 0, 1, 0, 0, 0)",
    "hang up terminals": "call(153, 58)",
    "make data executable": "must(libc.personality(0x0400000))",
    "know where code lies": "must(libc.personality(0x0040000))",
    "run programs that map the first page": "must(libc.personality(0x0100000))",
    "enter the first process's mounts": (
        "must(libc.setns(os.open('/proc/1/ns/mnt', os.O_RDONLY), 0))"
    ),
    "enter the first process's network": (
        "must(libc.setns(os.open('/proc/1/ns/net', os.O_RDONLY), 0))"
    ),
    "enter by a process": "must(libc.setns(os.pidfd_open({bystander}), 0x00020000))",
    "make a time namespace": "must(libc.unshare(0x00000080))",
    "share no files any more, nor mounts": "must(libc.unshare(0x00020000))",
    "fake input by a number of 64 bits": "call(16, 29, 0, (1 << 32) | 0x5412, b'x')",
    "paste into a terminal": "fcntl.ioctl(0, 0x541C, bytes([2]))",
    # other processes
    "signal a host's process": "os.kill({bystander}, 0)",
    "signal a host's thread": "call(234, 131, {bystander}, {bystander}, 0)",
    "signal a host's group": "os.killpg({group}, 0)",
    "signal with data": (
        "call(129, 138, {bystander}, 10, struct.pack('iii', 10, 0, -1) + bytes(116))"
    ),
    "signal by a handle": "signal.pidfd_send_signal(os.pidfd_open({bystander}), 0)",
    "limit a host's process": "resource.prlimit({bystander}, resource.RLIMIT_CPU, (1000, 1000))",
    "limit the first process": "resource.prlimit(1, resource.RLIMIT_CPU, (1000, 1000))",
    "move a host's process to one core": "os.sched_setaffinity({bystander}, [0])",
    "let a host's process wait": "os.setpriority(os.PRIO_PROCESS, {bystander}, 19)",
    "let a host's process idle": (
        "os.sched_setscheduler({bystander}, os.SCHED_IDLE, os.sched_param(0))"
    ),
    "let a host's disk wait": "call(251, 30, 1, {bystander}, (3 << 13))",
    "watch a host's process be": "os.waitid(os.P_PIDFD, os.pidfd_open({bystander}), 4)",
    "trace a host's process": "must(libc.ptrace(0x4206, {bystander}, 0, 0))",
    "read a host's memory": "open('/proc/{bystander}/mem', 'rb').read(1)",
    # more than its share
    "be more important": "os.nice(-5)",
    "be served first": "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))",
    "be served by a deadline": (
        "call(314, 274, 0, struct.pack('IIQiIQQQ', 48, 6, 0, 0, 0, 10**7, 10**7, 10**7), 0)"
    ),
    "write cores": "assert resource.getrlimit(resource.RLIMIT_CORE)[1] > 1",
    "allow cores": "resource.setrlimit(resource.RLIMIT_CORE, (1 << 20, 1 << 20))",
    "open more files": "resource.setrlimit(resource.RLIMIT_NOFILE, (1 << 20, 1 << 20))",
    "write larger files": "resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))",
    "lock memory": (
        "resource.setrlimit(resource.RLIMIT_MEMLOCK, (1 << 30, 1 << 30)); must(libc.mlockall(3))"
    ),
    "make a queue": "must(libc.mq_open(b'/ath-attack', os.O_CREAT | os.O_RDWR, 0o600, 0))",
    "use the host's segment": "must(libc.shmget({shared_key}, 16, 0))",
    "read the host's segment": "must(libc.shmat({shared_id}, 0, 0x1000))",
    "list the host's segments": "assert len(open('/proc/sysvipc/shm').readlines()) > 1",
    # sockets
    "ask the kernel about sockets": "socket.socket(16, 3, 4)",
    "load a network filter": "socket.socket(2, 3, 255)",
    "speak Bluetooth": "socket.socket(31, 3, 1)",
    "speak to a VM's host": "socket.socket(40, 1, 0).connect((2, 1024))",
    "use the kernel's ciphers": "socket.socket(38, 5, 0).bind(('hash', 'sha256'))",
    "catch packets": "socket.socket(17, 3, 768)",
    "speak XDP": "socket.socket(44, 3, 0)",
    "speak SCTP": "socket.socket(2, 5, 132)",
}

RUN = """
import json
found = {{}}
for name, code in json.loads({escapes!r}).items():
    pid = os.fork()
    if pid == 0:
        signal.alarm(5)
        try:
            exec(code)
        except (NameError, SyntaxError, TypeError, AttributeError) as wrong:
            os.write(2, f"{{name}}: {{wrong}}\\n".encode())
            os._exit(99)
        except BaseException:
            os._exit(1)
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    if status in (0, 99 << 8):
        found[name] = status
print(json.dumps(found))
"""
