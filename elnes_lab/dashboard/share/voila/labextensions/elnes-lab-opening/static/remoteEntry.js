// Gives the widget manager of Voila's page the patience that a busy machine needs. Without it one page in thirty stayed a
// skeleton for ever, in two ways:
// - `get_model` (of @jupyter-widgets/base-manager) looks for a model every 100 ms and throws after 2 s. What arrives between its
//   last look and the throw (100 ms; a second in a tab in the background, longer still while the page is busy making models) is
//   there, but the renderer, told that all models are restored, writes "model not found" and never looks again.
// - `_loadFromKernel` gives the kernel 4 s, counted from before it is connected, to send the state of all models; then it asks
//   for each model by itself and waits for ever if one answer is lost.
// Written by hand as a module-federation container, for it only needs what the page has loaded: it changes the prototype before
// the application starts, and adds no plugin.
(() => {
  const NAME = "elnes-lab-opening";
  const CONTROL = "jupyter.widget.control", MODEL = "jupyter.widget";
  const LOOK = 50; // ms between looks for a model
  const GRACE = 30000; // ms for a model that is not among those restored: the kernel may be about to make it
  const FIRST = 4000, LONGEST = 60000; // ms until the kernel is asked again; doubled each time
  const wait = (time) => new Promise((resolve) => setTimeout(resolve, time));
  let scope;

  // The version of a shared module that the page uses, by webpack's rule for singletons: one that is loaded, else the newest.
  async function shared(name) {
    const newest = (a, b) => b.localeCompare(a, "en", { numeric: true });
    const versions = Object.keys(scope[name] ?? {}).sort(newest);
    const version = versions.find((one) => scope[name][one].loaded) ?? versions[0];
    return (await scope[name][version].get())();
  }

  // All states of the kernel's models: {data, buffers}. Asked again and again, since on a busy machine a question or its answer
  // can be lost while the server connects the page; the first answer to any of them counts.
  function states(manager, uuid) {
    return new Promise((resolve) => {
      let pause = FIRST, answered = false;
      const ask = async () => {
        if (answered || manager.isDisposed || manager.kernel?.isDisposed) return;
        setTimeout(ask, pause);
        if (pause > FIRST && manager.kernel.connectionStatus !== "connected") return; // the first one waits for the connection
        pause = Math.min(2 * pause, LONGEST);
        try {
          const comm = await manager._create_comm(CONTROL, uuid(), {}, { version: "1.0.0" });
          comm.on_msg((message) => {
            if (message.content.data.method !== "update_states") return;
            answered = true;
            resolve({ data: message.content.data, buffers: message.buffers ?? [] });
            comm.close();
          });
          comm.send({ method: "request_states" }, {});
        } catch (problem) {
          console.warn(problem); // asked again
        }
      };
      ask();
    });
  }

  const view = (buffer) => (buffer instanceof DataView ? buffer : new DataView(buffer.buffer ?? buffer));

  function mend(manager, { put_buffers, uuid }) {
    manager.get_model = async function (id) {
      let complete = null; // since when it should be there
      while (this._models[id] === undefined) {
        complete = this.restoredStatus && !this._kernelRestoreInProgress ? complete ?? Date.now() : null;
        if (complete !== null && Date.now() - complete > GRACE) throw new Error(`widget model not found: ${id}`);
        await wait(LOOK);
      }
      return this._models[id];
    };

    manager._loadFromKernel = async function () {
      if (!this.kernel) throw new Error("Kernel not set");
      if (this.kernel.handleComms === false) return;
      const { data, buffers } = await states(this, uuid);
      put_buffers(data.states, data.buffer_paths, buffers.map(view));
      const comms = {};
      for (const id of Object.keys(data.states)) {
        if (!this.has_model(id)) comms[id] = await this._create_comm(MODEL, id);
      }
      await Promise.all(Object.entries(data.states).map(async ([id, about]) => {
        try {
          if (this.has_model(id)) { // opened meanwhile, or restored before the connection was lost
            const model = await this.get_model(id);
            model.set_state(await model.constructor._deserialize_state(about.state, this));
          } else {
            const { model_name, model_module, model_module_version, state } = about;
            await this.new_model({ model_name, model_module, model_module_version, model_id: id, comm: comms[id] }, state);
          }
        } catch (problem) {
          console.error(problem); // the others are made
        }
      }));
    };
  }

  window._JUPYTERLAB = window._JUPYTERLAB ?? {};
  window._JUPYTERLAB[NAME] = {
    init: (given) => { scope = given; },
    get: async () => {
      const { KernelWidgetManager } = await shared("@jupyter-widgets/jupyterlab-manager");
      mend(KernelWidgetManager.prototype, await shared("@jupyter-widgets/base"));
      return () => []; // no plugins
    },
  };
})();
