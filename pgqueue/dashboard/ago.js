// Every <time datetime> says how long ago that is, or how long until then; nothing is asked of the server.
(() => {
  const steps = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const words = (seconds) => {
    const [size, unit] = steps.find(([step]) => Math.abs(seconds) >= step) ?? steps[3];
    const count = `${Math.floor(Math.abs(seconds) / size)} ${unit}`;
    return Math.abs(seconds) < 1 ? "now" : seconds > 0 ? `${count} ago` : `in ${count}`;
  };
  const tell = () => {
    for (const element of document.querySelectorAll("time[datetime]")) {
      const moment = new Date(element.dateTime);
      const text = words((Date.now() - moment) / 1000);
      if (element.textContent !== text) element.textContent = text;
      if (!element.title) element.title = moment.toLocaleString();
    }
  };
  const watch = () => {
    let due = false;
    const soon = () => {
      if (due) return;
      due = true;
      requestAnimationFrame(() => { due = false; tell(); });
    };
    new MutationObserver(soon).observe(document.body, { childList: true, subtree: true, attributeFilter: ["datetime"] });
    setInterval(tell, 1000);
    tell();
  };
  document.addEventListener("DOMContentLoaded", watch);
})();
