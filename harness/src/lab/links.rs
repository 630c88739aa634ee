//! The links of all worker instances of a lab, and what stands against them.

use std::collections::BTreeMap;

use super::link::LinkControl;
use crate::fault::LinkFault;
use crate::journal::Instance;
use crate::scenario::LinkEnd;

#[derive(Default)]
pub(super) struct Links {
    open: BTreeMap<(LinkEnd, Instance), LinkControl>,
    /// What stands: each link is as bad as all of it together, also one that is opened later.
    broken: Vec<(LinkEnd, LinkFault)>,
}

impl Links {
    /// A link was opened for a worker instance. It is broken from the start if that end is.
    pub(super) fn opened(&mut self, end: LinkEnd, instance: &Instance, link: LinkControl) {
        if self.broken.iter().any(|(of, _)| *of == end) {
            self.apply(end, &link);
        }
        self.open.insert((end, instance.clone()), link);
    }

    /// Breaks those to this end, also for workers that come later.
    pub(super) fn break_all(&mut self, end: LinkEnd, fault: LinkFault) {
        match fault {
            LinkFault::Reset => self.of(end).for_each(LinkControl::reset),
            LinkFault::HalfOpen => self.of(end).for_each(LinkControl::strand),
            _ => {
                self.broken.push((end, fault));
                self.of(end).for_each(|link| self.apply(end, link));
            }
        }
    }

    /// Takes back one [`break_all`](Self::break_all). Gives the instances that had sent something over one of them that
    /// it did not carry.
    pub(super) fn mend_all(&mut self, end: LinkEnd, fault: LinkFault) -> Vec<Instance> {
        let silent = matches!(fault, LinkFault::HalfOpen | LinkFault::Blackhole);
        let withheld = if silent { self.withholding(end).cloned().collect() } else { Vec::new() };
        if fault == LinkFault::HalfOpen {
            self.of(end).for_each(LinkControl::reset_stranded);
        }
        if let Some(at) = self.broken.iter().position(|standing| *standing == (end, fault)) {
            self.broken.remove(at);
        }
        self.of(end).for_each(|link| self.apply(end, link));
        withheld
    }

    fn apply(&self, end: LinkEnd, link: &LinkControl) {
        let standing = self.broken.iter().filter(|(of, _)| *of == end).map(|(_, fault)| *fault);
        let latency = standing.clone().filter_map(|fault| match fault {
            LinkFault::Latency(latency) => Some(latency),
            _ => None,
        });
        link.latency(latency.sum());
        let bandwidth = standing.clone().filter_map(|fault| match fault {
            LinkFault::Bandwidth(bandwidth) => Some(bandwidth),
            _ => None,
        });
        link.bandwidth(bandwidth.min());
        link.blackhole(standing.clone().any(|fault| fault == LinkFault::Blackhole));
        if standing.clone().any(|fault| fault == LinkFault::Refuse) {
            link.refuse();
        } else if let Err(error) = link.restore() {
            tracing::error!(%error, "a link could not be opened again");
        }
    }

    /// Those to this end over which a worker has sent something that they do not carry.
    fn withholding(&self, end: LinkEnd) -> impl Iterator<Item = &Instance> {
        let open = self.open.iter();
        open.filter(move |((of, _), link)| *of == end && link.withholds()).map(|((_, instance), _)| instance)
    }

    fn of(&self, end: LinkEnd) -> impl Iterator<Item = &LinkControl> {
        self.open.iter().filter(move |((of, _), _)| *of == end).map(|(_, link)| link)
    }
}
