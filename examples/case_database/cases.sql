-- A law office's cases; everybody in it is invented.

create table person (id integer primary key, name text not null, born integer not null, town text not null);
create table court_case (
    number text primary key,
    client integer not null references person,
    subject text not null,
    status text not null check (status in ('open', 'closed')),
    opened text not null,
    notes text not null
);

insert into person values
    (1, 'John Smith', 1961, 'Ashford'),
    (2, 'Mary Brown', 1975, 'Ashford'),
    (3, 'John Smith', 1988, 'Newhaven'),
    (4, 'Joanna Smithers', 1990, 'Newhaven');

insert into court_case values
    ('2024-017', 1, 'Boundary of a garden', 'closed', '2024-02-06', 'Settled: the fence moved by 40 cm.'),
    ('2025-003', 1, 'Water damage by a neighbour', 'open', '2025-01-20', 'Expert opinion ordered; hearing in May.'),
    ('2025-011', 2, 'Inheritance', 'open', '2025-03-02', 'Second will found.'),
    ('2025-029', 3, 'Notice without reason', 'open', '2025-06-17', 'Claim filed in time.');
