"""A Slurm cluster of one machine, in a folder: its daemons are started, and stopped whatever happens."""

import os
import secrets
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
CONF = """\
ClusterName=peephole
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,sched_min_interval=0,batch_sched_delay=0,bf_interval=1
ReturnToService=2
KillWait=10
NodeName=localhost NodeHostname={host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=16000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
START = 60
"""Seconds that the daemons get."""


def reason_against():
    """Why there can be no cluster here; empty if there can."""
    missing = [name for name in (*DAEMONS, "sbatch", "srun", "squeue", "scancel", "scontrol") if not _path(name)]
    if missing:
        return f"not installed: {', '.join(missing)}"
    return "" if os.geteuid() == 0 else "Slurm's daemons want to be root"


@contextmanager
def cluster(folder: Path):
    """The environment variables with which Slurm's commands find it."""
    host = socket.gethostname().partition(".")[0]
    conf = folder / "slurm.conf"
    conf.write_text(CONF.format(host=host, folder=folder, ports=_ports(2)), encoding="utf-8")
    (folder / "cgroup.conf").write_text("CgroupAutomount=no\n", encoding="utf-8")
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(1024))
    key.chmod(0o600)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    environment = os.environ | {"SLURM_CONF": str(conf)}
    munge = [f"--{what}-file={folder}/munge.{what}" for what in ("key", "log", "pid", "seed")]
    daemons = []

    def start(name, *arguments):
        with (folder / f"{name}.out").open("w") as out:
            command = [_path(name), *arguments]
            daemons.append(subprocess.Popen(command, env=environment, stdout=out, stderr=out, cwd=folder))

    try:
        start("munged", "--foreground", f"--socket={folder}/munge.socket", "--num-threads=1", "--force", *munge)
        _until(lambda: (folder / "munge.socket").exists(), folder)
        start("slurmctld", "-D", "-c", "-f", str(conf))
        start("slurmd", "-D", "-c", "-f", str(conf), "-N", "localhost")
        _until(lambda: _works(environment), folder)
        yield {"SLURM_CONF": str(conf)}
    finally:
        subprocess.run(["scancel", "--user=root"], env=environment, capture_output=True, timeout=30, check=False)
        for daemon in reversed(daemons):
            daemon.terminate()
            try:
                daemon.wait(15)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


def _works(environment):
    try:
        command = ["srun", "--time=1", "--immediate=5", "hostname"]
        return not subprocess.run(command, env=environment, capture_output=True, timeout=15, check=False).returncode
    except subprocess.TimeoutExpired:
        return False


def _until(true, folder):
    end = time.monotonic() + START
    while not true():
        if time.monotonic() > end:
            logs = (file for file in sorted(folder.iterdir()) if file.suffix in (".log", ".out"))
            raise RuntimeError("\n".join(f"{file.name}: {file.read_text()[-2000:]}" for file in logs))
        time.sleep(0.2)


def _path(name):
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def _ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
