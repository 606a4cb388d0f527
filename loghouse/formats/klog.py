"""klog, the format of Kubernetes' own parts: `Lmmdd hh:mm:ss.uuuuuu thread file:line] message key="value"`."""

from loghouse.formats.pack import Pack

PACK = Pack(
    name="klog",
    pattern=r"^[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{6} ",
    level=r"^([IWEF])",
    regex=r"^([IWEF])(\d{4} [\d:.]+) +(\d+) ([^:\]]+):(\d+)\] (.*)$",
    fields=("severity", "time", "thread", "file", "line", "text"),
    pairs=True,
)
